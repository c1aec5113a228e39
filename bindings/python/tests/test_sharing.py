"""One guard in many hands: threads, event loops, pickles and forked processes."""

import asyncio
import multiprocessing
import os
import pickle
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import portcullis
from checkout import MODELS
from portcullis import Guard, RequestError

TEXTS = [f"Is the library on {n} Mill Lane open on Sundays?" for n in range(400)]


def test_python_goes_on_while_texts_are_judged(guard: Guard) -> None:
    """Without the lock released, this thread would stand still from the first text to the last."""
    done = threading.Event()

    def judge() -> None:
        guard.check_batch(TEXTS)
        done.set()

    # A thread that has the lock is asked to give it up this seldom, so steps are made only while it is free.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        worker = threading.Thread(target=judge)
        steps = 0
        worker.start()
        while not done.wait(0.0005):
            steps += 1
        worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert steps > 20


def test_two_threads_are_inside_at_once(guard: Guard) -> None:
    """Each thread is in the guard when it begins and gone when it ends; a lock held throughout would part them."""
    log: list[str] = []

    def judge(name: str) -> None:
        log.append(name)
        guard.check_batch(TEXTS)
        log.append(name)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        threads = [threading.Thread(target=judge, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert sorted(log[:2]) == ["a", "b"], log


def test_many_threads_get_their_own_answers(guard: Guard) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = [f"Mail a{n}@example.org." if n % 2 else f"Is house {n} open?" for n in range(64)]
        verdicts = list(pool.map(guard.check, texts))
    for text, verdict in zip(texts, verdicts, strict=True):
        assert verdict.text == ("Mail [EMAIL]." if "@" in text else text)


def test_coroutines(guard: Guard) -> None:
    async def main() -> None:
        verdicts = await asyncio.gather(*(guard.check_async(f"Mail a{n}@example.org.", id=n) for n in range(8)))
        assert [verdict.id for verdict in verdicts] == list(range(8))
        with pytest.raises(RequestError):
            await guard.check_async("")

    asyncio.run(main())


def test_a_pickled_guard_is_opened_again(guard: Guard) -> None:
    tiny = Guard(models=MODELS, model="portcullis-tiny", threads=1, deadline_ms=5000, level="scalar")
    again = pickle.loads(pickle.dumps(tiny))
    assert type(again) is Guard and again is not tiny
    assert again.model == tiny.model and again.inspect()["level"] == "scalar"
    assert again.__getnewargs_ex__() == tiny.__getnewargs_ex__()
    assert pickle.loads(pickle.dumps(guard)).check("Good morning.").decision == "allow"


def test_errors_are_pickled_whole(guard: Guard) -> None:
    with pytest.raises(RequestError) as caught:
        guard.check_batch(["a", ""])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.kind, again.index) == (str(caught.value), "empty_text", 1)


def test_a_verdict_is_pickled_whole(guard: Guard) -> None:
    call = {"name": "mail", "arguments": {"to": "jo@example.org"}}
    for verdict in (
        guard.check("You are a complete idiot. Mail jo@example.org.", id=[1, "a"]),
        guard.check("", tool_call=call),
        guard.check("Good morning.", deadline_ms=0),
        guard.check("Y o u  a r e  an 1d10t, k1ll y0ur5elf."),
    ):
        again = pickle.loads(pickle.dumps(verdict))
        assert again.to_json() == verdict.to_json()
        assert portcullis.Verdict.from_json(verdict.to_json()).scores == verdict.scores
    for line in ("", "[]", '{"decision": "allow"}'):
        with pytest.raises(ValueError, match="expected a verdict"):
            portcullis.Verdict.from_json(line)


def test_streams_and_vaults_stay_where_they_are(guard: Guard) -> None:
    for one in (guard.stream(), portcullis.Vault()):
        with pytest.raises(TypeError):
            pickle.dumps(one)


def judge_elsewhere(guard: Guard, texts: list[str]) -> list[str]:
    return [verdict.decision for verdict in guard.check_batch(texts) if verdict is not None]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes_take_a_guard_along(guard: Guard, method: str) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(judge_elsewhere, guard, TEXTS[:4]).result(120) == ["allow"] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("mapped", [False, True])
def test_a_forked_process_goes_on(mapped: bool, tmp_path: Path) -> None:
    """Its threads are gone: what waited for one of them would wait for ever."""
    guard = Guard(models=MODELS, threads=2) if mapped else Guard(threads=2, state=tmp_path)
    guard.check_batch(TEXTS[:8])
    guard.inspect()
    stream = guard.stream()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            verdicts = guard.check_batch(TEXTS[:8])
            explained = guard.explain("You are an idiot.")
            fine = [verdict.decision for verdict in verdicts if verdict is not None] == ["allow"] * 8 and explained["words"]
            fine = fine and guard.inspect()["digests"] == "ok" and "".join(guard.filter(["Good morning."]))
            fine = fine and Guard(models=MODELS, threads=2).check("You are an idiot.").findings
            try:
                stream.push("Good morning.")
            except portcullis.PortcullisError:
                status = 0 if fine else 2
            del guard, stream
        finally:
            os._exit(status)
    watch = threading.Timer(60, os.kill, (child, 9))
    watch.start()
    _, status = os.waitpid(child, 0)
    watch.cancel()
    assert os.waitstatus_to_exitcode(status) == 0
    assert guard.check("Good morning.").decision == "allow"
