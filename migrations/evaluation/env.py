"""Migrations of the schema `evaluation`."""

from migrations.environment import run

run("evaluation")
