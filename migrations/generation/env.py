"""Migrations of the schema `generation`."""

from migrations.environment import run

run("generation")
