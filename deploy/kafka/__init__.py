"""Apache Kafka 4 on this machine without containers: one KRaft node from Maven's artifacts."""
