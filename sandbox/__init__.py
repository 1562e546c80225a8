"""The outside world on one machine: embedded Kafka and PostgreSQL, local doubles of the services we call."""
