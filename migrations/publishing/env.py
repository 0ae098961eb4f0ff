"""Migrations of the schema `publishing`."""

from migrations.environment import run

run("publishing")
