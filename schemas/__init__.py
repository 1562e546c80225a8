"""Contracts of every event on Kafka: models, the table of topics, and what is generated from them."""
