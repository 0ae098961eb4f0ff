"""The steps an execution takes, by what it is given."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.events.workflow import InputType, PlannedStep

_STEPS: Mapping[InputType, tuple[tuple[str, str], ...]] = {
    "pdf": (
        ("Extract document structure", "Read the PDF and find its sections"),
        ("Extract content", "Take text, tables and figures out of each section"),
        ("Analyse content", "Find topics, claims and evidence"),
        ("Summarise", "Say in short what the document says"),
        ("Assemble the report", "Put summary and analysis together"),
    ),
    "code": (
        ("Read the code", "Find out languages, modules and entry points"),
        ("Analyse structure", "Follow dependencies and the flow of data"),
        ("Find problems", "Look for faults, risks and what is hard to maintain"),
        ("Write documentation", "Describe modules and their interfaces"),
        ("Suggest improvements", "Say what to change first, and why"),
        ("Assemble the report", "Put documentation and suggestions together"),
    ),
    "url": (
        ("Fetch the page", "Load the page and what it says about itself"),
        ("Extract the main text", "Leave out navigation, advertising and comments"),
        ("Analyse content", "Find topics, claims and evidence"),
        ("Summarise", "Say in short what the page says"),
    ),
    "youtube": (
        ("Fetch the video's details", "Title, length, chapters and captions"),
        ("Transcribe", "Turn speech into text, with times"),
        ("Find the chapters", "Cut the text where the subject changes"),
        ("Analyse content", "Find topics, claims and evidence"),
        ("Summarise", "Say in short what the video says"),
    ),
    "text": (
        ("Read the text", "Find out language, kind and structure"),
        ("Analyse content", "Find topics, claims and evidence"),
        ("Summarise", "Say in short what the text says"),
        ("Assemble the report", "Put summary and analysis together"),
    ),
}


def plan(input_type: InputType) -> tuple[PlannedStep, ...]:
    """Four to six steps, numbered from 1."""
    return tuple(
        PlannedStep(id=number, name=name, description=description)
        for number, (name, description) in enumerate(_STEPS[input_type], 1)
    )
