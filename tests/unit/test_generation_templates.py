"""Templates: placeholders are checked when a prompt is kept, and filled when it is used."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from contracts.events.generation import TemplateChanged, TemplateCreated, TemplateDeleted
from services.generation.domain import template
from services.generation.domain.placeholders import GIVEN, fill, placeholders, replaced, variables
from services.generation.domain.template import NOBODY, ChangeTemplate, CreateTemplate, DeleteTemplate, OfferTemplate
from services.generation.offered import offered
from shared.decider import Conflict, Forbidden, Invalid, NotFound
from tests.deciding import deciding

given = deciding(template.decider).given

TEMPLATE, ADA, EVE = (UUID(int=n) for n in range(1, 4))
WHO = {"template_id": TEMPLATE, "user_id": ADA}
WHAT = {"name": "Deep dive", "type": "blog", "prompt": "Write about {topic} for {audience}."}
CREATE, CREATED = CreateTemplate(**WHO, **WHAT), TemplateCreated(**WHO, **WHAT)
OFFER = OfferTemplate(TEMPLATE, "Article", "blog", "About {topic}.")
OFFERED = TemplateCreated(
    template_id=TEMPLATE, user_id=NOBODY, name="Article", type="blog", prompt="About {topic}.", is_custom=False
)


def test_a_template_is_made_once() -> None:
    given().when(CREATE).then(CREATED)
    given(CREATED).when(CREATE).then_nothing()
    given(CREATED, TemplateDeleted(**WHO)).when(CREATE).then_refused(Conflict, "make a new one", current="deleted")


def test_what_is_left_out_of_a_change_stays() -> None:
    changed = TemplateChanged(**WHO, **(WHAT | {"name": "Dive"}))
    given(CREATED).when(ChangeTemplate(**WHO, name="Dive")).then(changed)
    given(CREATED, changed).when(ChangeTemplate(**WHO, name="Dive", type="blog")).then_nothing()


def test_a_deleted_template_is_gone() -> None:
    deleted = TemplateDeleted(**WHO)
    given(CREATED).when(DeleteTemplate(**WHO)).then(deleted)
    given(CREATED, deleted).when(DeleteTemplate(**WHO)).then_nothing()
    given(CREATED, deleted).when(ChangeTemplate(**WHO, name="Dive")).then_refused(NotFound, "list your templates")


@pytest.mark.parametrize("command", [ChangeTemplate(TEMPLATE, EVE, name="Mine"), DeleteTemplate(TEMPLATE, EVE)])
def test_anothers_template_does_not_exist(command: template.Command) -> None:
    given(CREATED).when(command).then_refused(NotFound, "no such template")
    given().when(command).then_refused(NotFound, "no such template")


def test_the_platforms_own_templates_follow_the_release_and_no_user() -> None:
    given().when(OFFER).then(OFFERED)
    given(OFFERED).when(OFFER).then_nothing()
    newer = TemplateChanged(template_id=TEMPLATE, user_id=NOBODY, name="Article", type="blog", prompt="On {topic}.")
    given(OFFERED).when(replace(OFFER, prompt="On {topic}.")).then(newer)
    given(OFFERED).when(ChangeTemplate(**WHO, name="Mine")).then_refused(Forbidden, "make one of your own")
    given(OFFERED).when(DeleteTemplate(**WHO)).then_refused(Forbidden, "belongs to the platform")


def test_the_platform_offers_one_template_of_each_type_that_wants_no_value_from_the_user() -> None:
    found = offered()
    assert sorted(each.type for each in found) == ["blog", "email", "instagram", "linkedin", "twitter"]
    assert len({each.template_id for each in found}) == len(found)
    for each in found:
        assert "topic" in placeholders(each.prompt)
        assert not variables(each.prompt)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("About {topic", "The { at character 7 of the prompt has no partner; write a placeholder as {topic}"),
        ("About topic}", "and a brace as }}"),
        ("About {}", "{} is no placeholder"),
        ("About {0}", "{0} is no placeholder"),
        ("About {a.b}", "{a.b} is no placeholder"),
        ("About {x!r:>10}", "Write braces that are meant as braces twice"),
        ("About { topic }", "is no placeholder"),
        ("{a{b}}", "The { at character 1"),
        ("{" + "a" * 41 + "}", "at most 40 in all"),
        ("".join(f"{{v{n}}}" for n in range(31)), "31 placeholders; at most 30"),
    ],
)
def test_a_prompt_that_could_not_be_filled_is_refused_when_it_is_kept(prompt: str, sentence: str) -> None:
    given().when(replace(CREATE, prompt=prompt)).then_refused(Invalid, sentence)
    given(CREATED).when(ChangeTemplate(**WHO, prompt=prompt)).then_refused(Invalid, sentence)


def test_placeholders_are_filled_and_doubled_braces_are_braces() -> None:
    assert (
        fill("{{json}}: {topic}, {topic} {{{topic}}}", {}, {"topic": "{bread}"}) == "{json}: {bread}, {bread} {{bread}}"
    )
    assert placeholders("{b} {a} {b} {{c}}") == ("b", "a")
    assert variables("{topic} {audience} {target_length}") == ("audience",)


def test_what_has_no_value_is_named() -> None:
    with pytest.raises(Invalid, match="wants a value for audience, length") as refused:
        fill("{topic} {audience} {length}", {"topic": "bread"}, {})
    assert refused.value.extra == {"missing": ["audience", "length"]}


def test_what_is_sent_goes_before_what_is_given_and_what_no_placeholder_has_is_named() -> None:
    assert fill("On {topic}", {"topic": "bread", "title": "T"}, {"topic": "cake"}) == "On cake"
    with pytest.raises(Invalid, match=r"no placeholder audiance \(it has topic, audience\); correct") as refused:
        fill("{topic} {audience}", {}, {"topic": "", "audience": "", "audiance": ""})
    assert refused.value.extra == {"unknown": ["audiance"]}
    with pytest.raises(Invalid, match=r"\(it has none\)"):
        fill("On bread", {}, {"topic": "cake"})


def test_a_filled_prompt_has_an_end() -> None:
    assert len(fill("{a}" * 10, {}, {"a": "x" * 2000})) == 20_000
    with pytest.raises(Invalid, match="has 22,000 characters; shorten what you send to 20,000"):
        fill("{a}" * 11, {}, {"a": "x" * 2000})


def test_a_preview_leaves_what_has_no_value() -> None:
    assert replaced("{{a}} {topic} for {audience}", {"topic": "{bread}"}) == "{a} {bread} for {audience}"


@for_all(st.text(), st.sampled_from(GIVEN))
def test_whatever_is_kept_can_be_filled(text: str, name: str) -> None:
    prompt = text.replace("{", "{{").replace("}", "}}") + f"{{{name}}}"
    assert placeholders(prompt) == (name,)
    assert fill(prompt, {}, {name: "{value}"}) == text + "{value}"
