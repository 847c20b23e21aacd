"""The same call in several threads at once."""

import threading


def in_threads(count, call):
    """What each of `count` threads got from the call."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
