"""FastAPI and asyncpg alone: one row by its id. Serves until it is stopped; prints a line when it is ready."""

import json
import sys
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

ARGUMENTS = json.loads(sys.argv[1])
SELECT = "SELECT id, title, description, created_at, updated_at FROM projects WHERE id = $1"


class Project(BaseModel):
    id: UUID
    title: str
    description: str | None
    created_at: datetime
    updated_at: datetime


@asynccontextmanager
async def lifespan(app: FastAPI):
    settings = {"app.user_id": "service", "jit": "off"}
    async with asyncpg.create_pool(ARGUMENTS["database_url"], server_settings=settings) as pool:
        app.state.pool = pool
        print("ready", flush=True)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/projects/{project_id}")
async def read(project_id: UUID) -> Project:
    row = await app.state.pool.fetchrow(SELECT, project_id)
    if row is None:
        raise HTTPException(404)
    return Project(**row)


uvicorn.run(app, host="127.0.0.1", port=ARGUMENTS["port"], loop="uvloop", http="httptools", access_log=False,
            log_level="warning")  # fmt: skip
