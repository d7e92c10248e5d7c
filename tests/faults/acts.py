"""What is done to a repository while something breaks: each act, on a place that is ready for it."""
import place


class Act:
    """A command that changes the repository.  `arguments` of it; `prepare` makes the place ready."""

    def __init__(self, name, arguments, prepare=place.two_versions):
        self.name, self.arguments, self.prepare = name, arguments, prepare

    def run(self, p, **inject):
        """Run it; what it reports counts from now on."""
        result = p.run(*self.arguments(p), **inject)
        if self.name == "backup":
            p.note(result)
        return result

    def finish(self, p):
        """What was broken off is done again, and then it holds."""
        if self.name != "backup":
            self.run(p).expect(0)
        p.must_be_sound()
        p.must_go_on()


BACKUP = Act("backup", lambda p: ["backup", "--path", p.src])

ACTS = [BACKUP]


def count_calls(act, ready, calls):
    """How many calls that count an undisturbed run makes."""
    p = ready.fork("count")
    result = act.run(p, under=p.repo, calls=calls)
    result.expect(0)
    return len(result.log)
