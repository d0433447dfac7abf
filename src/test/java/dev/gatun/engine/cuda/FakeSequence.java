package dev.gatun.engine.cuda;

import dev.gatun.engine.KvCache;

/** A sequence without memory. */
final class FakeSequence extends KvCache {
    FakeSequence() {
        super(1);
    }

    @Override
    public void close() {
        // There is nothing to free.
    }
}
