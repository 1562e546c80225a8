"""One file a destination; each ends with `PLUGIN`, and `services.router.plugins` finds it."""
