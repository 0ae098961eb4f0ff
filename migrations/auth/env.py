"""Migrations of the schema `auth`."""

from migrations.environment import run

run("auth")
