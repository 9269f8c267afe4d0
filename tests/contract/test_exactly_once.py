"""A request acts once, whatever is cut, sent again, mixed up or restarted in between.

A state machine sends requests in any order, loses answers, breaks acts before their commit, sends
two at once and restarts the center. What it was acknowledged is its own history; the store is
judged by that.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from juki_center.areas.copies.commands import CardProof, IssueCopy, IssuedCopy
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.ports import Tx
from juki_center.errors import Reason, Refusal
from tests.support.center import (
    NOW,
    Center,
    enter_everybody,
    make_policy,
    make_signer,
    open_test_store,
)
from tests.support.leaves import leaves
from tests.support.rows import peeking

Answer = TypeVar("Answer")
SIGNER, TRUST = make_signer()
LONG = bool(os.environ.get("JUKI_LONG"))
PEOPLE = ("yoshida-taro", "takahashi-ichiro", "kamiya-jun")


class Cut(Exception):
    """The power goes between the act and its commit."""


class ExactlyOnce(RuleBasedStateMachine):
    """Terminals, their requests, and a center that restarts."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        # In memory where there is a place for it: durability is another test's question.
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.center = self._open()
        self.run(self.center.store.act(enter_everybody))
        self.acknowledged: dict[uuid.UUID, IssuedCopy] = {}
        self.session_users: dict[bytes, uuid.UUID] = {}

    def _open(self) -> Center:
        store = open_test_store(Path(self.folder.name))
        return Center(store, make_policy(SIGNER), TRUST)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close everything."""
        self.center.store.close()
        self.loop.close()
        self.folder.cleanup()

    @rule(target=requests, key=st.sampled_from(PEOPLE))
    def applies(self, key: str) -> IssueCopy:
        """Somebody's card session ends well; the terminal writes down a request."""
        return self.run(self.center.command(key))

    @rule(target=requests, of=requests)
    def makes_another_request_with_the_same_session(self, of: IssueCopy) -> IssueCopy:
        """A terminal that has lost its journal starts anew with the old session."""
        return replace(of, request_id=uuid.uuid4())

    @rule(request=requests)
    def sends(self, request: IssueCopy) -> None:
        """Send, or send again."""
        try:
            answer = self.run(self.center.issue(request))
        except Refusal as refusal:
            self._expect_used(request, refusal)
        else:
            self._acknowledge(request, answer)

    @rule(request=requests)
    def loses_the_answer(self, request: IssueCopy) -> None:
        """The act is committed, and the line is cut before the answer is read."""

        async def send() -> None:
            work = asyncio.ensure_future(self.center.issue(request))
            await asyncio.sleep(0)
            work.cancel()
            await self.center.store.act(lambda _tx: None)

        self.run(send())
        self._learn(request)

    @rule(request=requests)
    def is_cut_before_the_commit(self, request: IssueCopy) -> None:
        """The act has run, and nothing of it is committed."""

        def cut(tx: Tx) -> None:
            issue_copy(tx, request, NOW, self.center.policy)
            raise Cut

        try:
            self.run(self.center.store.act(cut))
        except Cut:
            pass
        except Refusal as refusal:
            self._expect_used(request, refusal)

    @rule(one=requests, other=requests)
    def sends_two_at_once(self, one: IssueCopy, other: IssueCopy) -> None:
        """Two requests, or one request twice, meet in one batch."""

        async def send() -> list[IssuedCopy | BaseException]:
            return await asyncio.gather(
                self.center.issue(one), self.center.issue(other), return_exceptions=True
            )

        for request, answer in zip((one, other), self.run(send()), strict=True):
            if isinstance(answer, IssuedCopy):
                self._acknowledge(request, answer)
            else:
                assert isinstance(answer, Refusal)
                self._expect_used(request, answer)

    @rule(request=requests)
    def sends_other_content_under_the_same_id(self, request: IssueCopy) -> None:
        """Only a request that has acted claims its id."""
        if request.request_id not in self.acknowledged:
            return
        with pytest.raises(Refusal) as refused:
            self.run(self.center.issue(replace(request, fee_yen=request.fee_yen + 1)))
        assert refused.value.reason is Reason.REQUEST_ID_REUSED

    @rule()
    def restarts(self) -> None:
        """The center goes down and comes back."""
        self.center.store.close()
        self.center = self._open()

    @invariant()
    def nothing_is_lost_doubled_or_shared(self) -> None:
        """Compare the store with what the terminals were told."""
        numbers = [copy.issue.issue_number for copy in self.acknowledged.values()]
        assert len(set(numbers)) == len(numbers)
        with peeking(self.center.store) as sql:
            stored = [row[0] for row in sql.execute("SELECT number FROM issues").fetchall()]
        assert sorted(stored) == sorted(numbers)
        logged = [leaf["id"] for leaf in leaves(self.center.store) if leaf["ev"] == "COPY_ISSUED"]
        assert sorted(logged) == sorted(numbers)

    def _acknowledge(self, request: IssueCopy, answer: IssuedCopy) -> None:
        assert self.acknowledged.setdefault(request.request_id, answer) == answer
        assert isinstance(request.proof, CardProof)
        user = self.session_users.setdefault(request.proof.session_id, request.request_id)
        assert user == request.request_id

    def _learn(self, request: IssueCopy) -> None:
        """Ask what became of a request whose answer was lost."""
        found = self.center.found(request)
        if found is None:
            assert request.request_id not in self.acknowledged
        else:
            self._acknowledge(request, found)

    def _expect_used(self, request: IssueCopy, refusal: Refusal) -> None:
        assert refusal.reason is Reason.SESSION_USED
        assert isinstance(request.proof, CardProof)
        assert self.session_users[request.proof.session_id] != request.request_id


ExactlyOnce.TestCase.settings = settings(
    max_examples=40 if LONG else 8,
    stateful_step_count=25,
    deadline=None,
    # Shrinking runs the whole machine hundreds of times; a developer asks for it.
    phases=set(Phase) if LONG else {Phase.generate},
    suppress_health_check=list(HealthCheck),
)
TestExactlyOnce = ExactlyOnce.TestCase
