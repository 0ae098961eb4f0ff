"""Workflow over HTTP, by what is asked for."""

from services.workflow.api import bulk_reviews, captions, executions, internal, review_queue, runs, workflows

routers = (
    workflows.router,
    review_queue.router,
    bulk_reviews.router,
    executions.router,
    runs.router,
    captions.router,
    internal.router,
)
