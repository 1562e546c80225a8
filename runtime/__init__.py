"""What every service stands on: Kafka, PostgreSQL, HTTP, logs, metrics, health, settings, clocks.

Nothing in here knows what a survey is. A module enters when a second service needs it.
"""
