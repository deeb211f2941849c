"""Small references for data order and its metric (Trinity, arXiv:2602.17004, section 3.2): RSDB and BatchHet."""


class RSDB:
    """Random Sequential Document Buffer.  U user size, C = 2U entries [tokens, read_head]; `pick(n)` returns an
    index in [0, n) among the live entries in buffer order (pass an RNG or an explicit list)."""

    def __init__(self, documents, user_size, pick):
        self.source, self.U, self.C, self.pick = iter(documents), user_size, 2 * user_size, pick
        self.entries, self.refills = [], 0
        self._refill()

    def _live(self):
        return [e for e in self.entries if e[1] < len(e[0])]

    def _refill(self):
        """Purge exhausted entries, then load whole documents up to C."""
        self.entries = self._live()
        self.refills += 1
        while len(self.entries) < self.C:
            doc = next(self.source, None)
            if doc is None:
                break
            if len(doc):
                self.entries.append([list(doc), 0])

    def next_sequence(self, T):
        """One packed sequence of T tokens (shorter only when the source has run dry), and its segments
        [(entry tokens id, start, length)] for inspection."""
        out, segments = [], []
        while len(out) < T:
            live = self._live()
            if len(live) <= self.U:
                self._refill()
                live = self._live()
            if not live:
                break
            entry = live[self.pick(len(live))]
            n = min(len(entry[0]) - entry[1], T - len(out))
            segments.append((id(entry[0]), entry[1], n))
            out += entry[0][entry[1]:entry[1] + n]
            entry[1] += n
        return out, segments


def batch_het(micro_batch_losses):
    """BatchHet = max_i L_i - mean_i L_i over the micro-batch losses of a step (Trinity eq 40)."""
    return max(micro_batch_losses) - sum(micro_batch_losses) / len(micro_batch_losses)
