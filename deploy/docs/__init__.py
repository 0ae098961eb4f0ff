"""Writes what is generated from the contracts: schemas, samples, the AsyncAPI document and the event catalogue."""
