"""Migrations of the schema `workflow`."""

from migrations.environment import run

run("workflow")
