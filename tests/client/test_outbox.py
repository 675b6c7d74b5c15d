import threading

from services.client.outbox import Outbox


def test_results_survive_a_restart_in_order(tmp_path):
    outbox = Outbox(tmp_path)
    for number in range(3):
        outbox.put(f"result {number}")
    first = outbox.first(0)
    outbox.remove(first)
    second = outbox.first(0)
    outbox.close()
    again = Outbox(tmp_path)
    assert (first.body, len(again)) == ("result 0", 2)
    assert again.first(0) == second
    again.close()


def test_the_oldest_make_room(tmp_path):
    outbox = Outbox(tmp_path, limit=5)
    for number in range(8):
        outbox.put(f"{number}")
    assert (len(outbox), outbox.discard_count, outbox.first(0).body) == (5, 3, "3")
    outbox.close()


def test_first_waits_for_a_result(tmp_path):
    outbox = Outbox(tmp_path)
    assert outbox.first(0.01) is None
    threading.Timer(0.05, outbox.put, ["late"]).start()
    assert outbox.first(20).body == "late"
    outbox.close()
