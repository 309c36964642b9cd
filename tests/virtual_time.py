"""Threads in virtual time: the clock jumps whenever every one of them waits."""

import threading

DAY = 86400
HANGS = 60  # real seconds after which a test that hangs gives up


def never():
    return False


class World(threading.Condition):
    """A clock and the condition to wait on: when all actors wait, it is at once the end of the first wait."""

    def __init__(self, now=0.0):
        super().__init__(threading.RLock())
        self.now, self.actors, self.bells = now, 1, {}

    def clock(self):
        return self.now

    def wait(self, timeout=None):
        # A plain lock: an event costs twice as much, and a class of students waits ten thousand times.
        bell = threading.Lock()
        bell.acquire()
        self.bells[bell] = self.now + timeout
        self.pass_time()
        self.release()
        rang = bell.acquire(timeout=HANGS)
        self.acquire()
        assert rang, "the world stands still"
        return True

    def notify_all(self):
        for bell in self.bells:
            bell.release()
        self.bells.clear()

    def pass_time(self):
        if self.bells and len(self.bells) == self.actors:
            self.now = min(self.bells.values())
            assert self.now < DAY, "somebody waits in vain"
            for bell in [bell for bell, end in self.bells.items() if end <= self.now]:
                del self.bells[bell]
                bell.release()

    def sleep(self, seconds):
        with self:
            end = self.now + seconds
            while self.now < end:
                self.wait(end - self.now)

    def live(self, *lives):
        """Run all lives at once, to their ends; a failure in one of them is raised here."""
        failures = []

        def actor(life):
            try:
                life()
            except BaseException as failure:
                failures.append(failure)
            with self:
                self.actors -= 1
                self.pass_time()

        self.actors = len(lives)
        threads = [threading.Thread(target=actor, args=(life,), daemon=True) for life in lives]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGS)
            assert not thread.is_alive()
        if failures:
            raise failures[0]
        self.actors = 1
