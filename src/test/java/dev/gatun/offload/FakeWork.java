package dev.gatun.offload;

import java.util.ArrayList;
import java.util.List;

/** Something that was put into a queue of a {@link FakeDevice}. */
final class FakeWork {
    enum Kind {
        UPLOAD,
        DOWNLOAD,
        COMPUTE
    }

    enum State {
        WAITING,
        ENDED,
        FAILED
    }

    final Kind kind;
    final long ticket;
    /** What it waits for, besides what stands before it in its queue. */
    final List<FakeWork> after = new ArrayList<>();

    int block = ExpertCache.NONE;
    int slot = ExpertCache.NONE;
    int offset;
    int bytes;
    /** Upload: how many leading parts arrive packed; 0 for bytes that stay where they are. */
    int packed;

    int step;
    int layer;
    /** Computing: the slots it reads, and the experts that have to lie there, numbered layer by layer. */
    int[] slots = {};

    int[] experts = {};
    /** How many leading parts of each are needed. */
    int[] parts = {};

    State state = State.WAITING;

    FakeWork(Kind kind, long ticket) {
        this.kind = kind;
        this.ticket = ticket;
    }

    boolean isReady() {
        return after.stream().noneMatch(work -> work.state == State.WAITING);
    }

    /** Whether it waits for {@code work}, or for something that does. */
    boolean waitsFor(FakeWork work) {
        return after.stream().anyMatch(before -> before == work || before.waitsFor(work));
    }

    boolean waitsForAFailure() {
        return after.stream().anyMatch(work -> work.state == State.FAILED);
    }

    boolean readsSlot(int number) {
        boolean computes = java.util.Arrays.stream(slots).anyMatch(with -> with == number);
        return computes || (kind == Kind.DOWNLOAD && slot == number);
    }

    boolean readsBlock(int number) {
        return kind == Kind.UPLOAD && bytes > 0 && block == number;
    }
}
