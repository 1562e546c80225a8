"""An invented company's customers, what they answered and what happened to them, for the demo."""
