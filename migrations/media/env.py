"""Migrations of the schema `media`."""

from migrations.environment import run

run("media")
