"""What the shop accepts as an action, and what it says about what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.embedded.shop import SERVICES
from actors.embedded.shop.actions import Action, InvalidAction, Kind, Request, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from([*Kind, "explode"]) | JSON,
        "service": st.sampled_from([*SERVICES, "model"]) | JSON,
        "version": st.just("2.4.1") | JSON,
        "share": st.floats(0, 1) | JSON,
        "replicas": st.integers(-2, 60) | JSON,
        "key": st.just("k") | JSON,
    },
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "must be a JSON object"),
        ({"action": "deploy", "service": "payment", "replica": 3}, "unknown field 'replica'"),
        ({"action": "explode", "service": "payment"}, "no action 'explode'"),
        ({"service": "payment"}, "no action None"),
        ({"action": "restart", "service": "paiment"}, "no service 'paiment'"),
        ({"action": "restart", "service": "model"}, "no service 'model'"),
        ({"action": "deploy", "service": "payment"}, "a deploy needs a version"),
        ({"action": "deploy", "service": "payment", "version": "1 2"}, "a deploy needs a version"),
        ({"action": "deploy", "service": "payment", "version": 'x"}'}, "a deploy needs a version"),
        ({"action": "deploy", "service": "payment", "version": "1", "replicas": 2}, "takes no replicas"),
        ({"action": "scale", "service": "payment"}, "scale needs replicas"),
        ({"action": "scale", "service": "payment", "replicas": 0}, "scale needs replicas"),
        ({"action": "scale", "service": "payment", "replicas": True}, "scale needs replicas"),
        ({"action": "scale", "service": "payment", "replicas": 2.0}, "scale needs replicas"),
        ({"action": "restart", "service": "payment", "version": "1"}, "takes no version"),
        ({"action": "restart", "service": "payment", "key": "a b"}, "a key is"),
        ({"action": "scale", "service": "payment", "replicas": 2, "share": 0.1}, "scale takes no share"),
        ({"action": "deploy", "service": "payment", "version": "1", "share": 0}, "a share is"),
        ({"action": "deploy", "service": "payment", "version": "1", "share": True}, "a share is"),
    ],
)
def test_what_is_wrong_is_said(body: object, says: str) -> None:
    with pytest.raises(InvalidAction, match=says):
        parse(body)


@given(FIELDS | JSON)
def test_anything_is_an_action_or_refused_and_actions_survive_storage(body: object) -> None:
    try:
        request = parse(body)
    except InvalidAction:
        return
    action = Action(17, request)
    assert Action.from_json(dict(action.as_json())) == action


def test_a_deploy_with_its_key() -> None:
    body = {"action": "deploy", "service": "payment", "version": "2.4.1", "key": "run-7/step-2"}
    assert parse(body) == Request(Kind.DEPLOY, "payment", version="2.4.1", key="run-7/step-2")
