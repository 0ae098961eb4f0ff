"""Workflow over HTTP, by what is asked for."""

from services.workflow.api import (
    approval_links,
    approvals,
    approve_page,
    bulk_reviews,
    captions,
    comments,
    executions,
    internal,
    platforms,
    review_queue,
    runs,
    workflows,
)

routers = (
    workflows.router,
    review_queue.router,
    bulk_reviews.router,
    comments.router,
    approval_links.router,
    approvals.router,
    approve_page.router,
    platforms.router,
    executions.router,
    runs.router,
    captions.router,
    internal.router,
)
