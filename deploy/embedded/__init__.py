"""The whole platform from Python packages alone.

PostgreSQL, a Kafka-speaking broker and the services on one machine.
"""
