package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.FakeWork.Kind;
import dev.gatun.offload.FakeWork.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A device with three queues (uploads, downloads, computing), each in order, that run beside each other as a seed says: what
 * was put in is done late, and what no ticket orders is done in any order. Each byte of a slot or block is the number of
 * the expert it belongs to, or of so many leading parts of it, packed, so whatever is read is known for what it is.
 */
final class FakeDevice implements CopyEngine {
    /** A byte of no expert: of what was never written, or of a copy that failed. */
    static final int GARBAGE = -1;

    /** What some computing found, in slots or in host blocks: part i of expert e is e * {@link #parts} + i. */
    record Computed(int step, int layer, List<Integer> parts) {}

    private final Random random;
    private final int blockBytes;
    private final int parts;
    private final int laziness;
    private final int[][] slots;
    private final int[][] blocks;
    private final Map<Kind, Deque<FakeWork>> queues = new EnumMap<>(Kind.class);
    private final Map<Long, FakeWork> works = new HashMap<>();
    private final List<FakeWork> copies = new ArrayList<>();
    private final List<Computed> computed = new ArrayList<>();
    private final Map<Integer, Integer> hostReads = new HashMap<>();
    private Runnable check = () -> {};
    private FakeWork lastGate;
    private FakeWork lastComputing;
    private double failing;
    private double refusing;
    private boolean frozen;
    private int pollsInVain;

    /**
     * Makes a device.
     *
     * @param parts into how many an expert can be cut
     */
    FakeDevice(Random random, int blockBytes, int parts, int slots, int blocks) {
        this.random = random;
        this.blockBytes = blockBytes;
        this.parts = parts;
        this.laziness = 1 + random.nextInt(10);
        this.slots = empty(slots, blockBytes);
        this.blocks = empty(blocks, blockBytes);
        for (Kind kind : Kind.values()) {
            queues.put(kind, new ArrayDeque<>());
        }
    }

    private static int[][] empty(int count, int bytes) {
        int[][] memory = new int[count][bytes];
        for (int[] part : memory) {
            Arrays.fill(part, GARBAGE);
        }
        return memory;
    }

    /** Writes an expert, numbered layer by layer, to a block. */
    void loadBlock(int block, int expert) {
        Arrays.fill(blocks[block], expert);
    }

    /** Writes an expert, numbered layer by layer, to a slot. */
    void loadSlot(int slot, int expert) {
        Arrays.fill(slots[slot], expert);
    }

    /** From now on copies fail, and calls are refused, with these probabilities. */
    void fail(double failing, double refusing) {
        this.failing = failing;
        this.refusing = refusing;
    }

    /** Nothing goes on, and takes no time, but by {@link #finish} and {@link #finishComputing}; a host that waits waits in vain, which fails. */
    void freeze() {
        frozen = true;
    }

    /** Goes on as its seed says. */
    void thaw() {
        frozen = false;
    }

    /** Is run whenever something was done. */
    void checkAlways(Runnable check) {
        this.check = check;
    }

    /** Whether the expert lies somewhere, complete. */
    boolean isSomewhere(int expert) {
        return Arrays.stream(slots).anyMatch(slot -> isWhole(slot, expert))
                || Arrays.stream(blocks).anyMatch(block -> isWhole(block, expert));
    }

    private static boolean isWhole(int[] memory, int expert) {
        return expert >= 0 && IntStream.of(memory).allMatch(b -> b == expert);
    }

    /** All copies that were put in so far, empty ones too. */
    List<FakeWork> copies() {
        return copies;
    }

    /** All computing that was put in and not done, oldest first. */
    List<FakeWork> computing() {
        return List.copyOf(queues.get(Kind.COMPUTE));
    }

    /** All computing that was done so far. */
    List<Computed> done() {
        return computed;
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        assertThat(offset >= 0 && bytes >= 0 && offset + bytes <= blockBytes).isTrue();
        FakeWork work = uploading(block, slot, Math.toIntExact(offset), Math.toIntExact(bytes), after);
        lastGate = bytes == 0 ? work : lastGate;
        return putIn(work);
    }

    private FakeWork uploading(int block, int slot, int offset, int bytes, long after) {
        FakeWork work = work(Kind.UPLOAD, after);
        work.block = block;
        work.slot = slot;
        work.offset = offset;
        work.bytes = bytes;
        if (lastGate != null) {
            work.after.add(lastGate);
        }
        copies.add(work);
        return work;
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        assertThat(parts > 0 && parts < this.parts).isTrue();
        FakeWork work = uploading(block, slot, 0, bytes(parts), after);
        work.packed = parts;
        return putIn(work);
    }

    private int bytes(int leadingParts) {
        return blockBytes * leadingParts / parts;
    }

    /** A byte of so many leading parts of an expert. */
    private int packed(int expert, int leadingParts) {
        return GARBAGE - (expert * parts + leadingParts);
    }

    @Override
    public long download(int slot, int block, long after) {
        FakeWork work = work(Kind.DOWNLOAD, after);
        work.slot = slot;
        work.block = block;
        work.bytes = blockBytes;
        copies.add(work);
        return putIn(work);
    }

    private FakeWork work(Kind kind, long after) {
        if (random.nextDouble() < refusing) {
            throw new CopyFailedException("refused", null);
        }
        FakeWork work = new FakeWork(kind, works.size() + 1L);
        if (after != ENDED) {
            assertThat(works).as("tickets are those that were given").containsKey(after);
            work.after.add(works.get(after));
        }
        return work;
    }

    private long putIn(FakeWork work) {
        works.put(work.ticket, work);
        queues.get(work.kind).add(work);
        run();
        return work.ticket;
    }

    /** Puts in computing that needs these experts, numbered layer by layer, whole in these slots. */
    void compute(int step, int layer, int[] experts, int[] inSlots) {
        int[] all = new int[experts.length];
        Arrays.fill(all, parts);
        compute(step, layer, experts, inSlots, all);
    }

    /** Puts in computing that needs so many leading parts of these experts in these slots. */
    void compute(int step, int layer, int[] experts, int[] inSlots, int[] leadingParts) {
        FakeWork work = new FakeWork(Kind.COMPUTE, works.size() + 1L);
        work.step = step;
        work.layer = layer;
        work.experts = experts.clone();
        work.slots = inSlots.clone();
        work.parts = leadingParts.clone();
        putInComputing(work);
    }

    /** The host begins to read a block. */
    void hostBegins(int block, int expert) {
        assertThat(hostReads.put(block, expert)).as("read by nobody else").isNull();
        assertThat(blocks[block]).containsOnly(expert);
    }

    /** The host has read a block, and computed the parts of its expert from one on. */
    void hostEnds(int step, int layer, int block, int firstPart) {
        int expert = hostReads.remove(block);
        assertThat(blocks[block]).containsOnly(expert);
        computed.add(new Computed(step, layer, range(expert, firstPart, parts).toList()));
    }

    private java.util.stream.Stream<Integer> range(int expert, int from, int to) {
        return IntStream.range(expert * parts + from, expert * parts + to).boxed();
    }

    @Override
    public long computed() {
        return putInComputing(new FakeWork(Kind.COMPUTE, works.size() + 1L));
    }

    @Override
    public void computeAfter(long ticket) {
        if (ticket != ENDED) {
            FakeWork work = new FakeWork(Kind.COMPUTE, works.size() + 1L);
            work.after.add(works.get(ticket));
            putInComputing(work);
        }
    }

    /** What waited for a failure takes all computing behind it along. */
    private long putInComputing(FakeWork work) {
        if (lastComputing != null) {
            work.after.add(lastComputing);
        }
        lastComputing = work;
        return putIn(work);
    }

    @Override
    public boolean hasEnded(long ticket) {
        run();
        if (ticket == ENDED) {
            return true;
        }
        State state = works.get(ticket).state;
        if (state == State.FAILED) {
            throw new CopyFailedException("failed", null);
        }
        pollsInVain = state == State.ENDED ? 0 : pollsInVain + 1;
        assertThat(frozen && pollsInVain > 1000).as("the host waits").isFalse();
        return state == State.ENDED;
    }

    @Override
    public long uploadNanos(long ticket) {
        FakeWork work = works.get(ticket);
        assertThat(work.kind).isEqualTo(Kind.UPLOAD);
        assertThat(work.bytes).isPositive();
        assertThat(hasEnded(ticket)).isTrue();
        return frozen ? 0 : random.nextInt(20);
    }

    @Override
    public void drain() {
        while (queues.values().stream().anyMatch(queue -> !queue.isEmpty())) {
            step();
        }
        lastGate = null;
        lastComputing = null;
        hostReads.clear();
    }

    /** Everything ends that was put in, frozen or not. */
    void finish() {
        while (queues.values().stream().anyMatch(queue -> !queue.isEmpty())) {
            step();
        }
    }

    /** All computing ends that was put in, and of the copies what it waits for and some others. */
    void finishComputing() {
        while (!queues.get(Kind.COMPUTE).isEmpty()) {
            step();
        }
    }

    /** Everything ends that was put in, but for what is of a kind and what waits for that. */
    void finishAllBut(Kind kind) {
        Deque<FakeWork> left = queues.put(kind, new ArrayDeque<>());
        while (queues.values().stream()
                .anyMatch(queue -> !queue.isEmpty() && queue.getFirst().isReady())) {
            step();
        }
        queues.put(kind, left);
    }

    private void run() {
        boolean rests = frozen || random.nextInt(laziness) > 0;
        for (int steps = rests ? 0 : random.nextInt(4); steps > 0; steps--) {
            step();
        }
    }

    private void step() {
        List<Deque<FakeWork>> ready = queues.values().stream()
                .filter(queue -> !queue.isEmpty() && queue.getFirst().isReady())
                .toList();
        if (ready.isEmpty()) {
            assertThat(queues.values()).as("nothing waits for ever").allMatch(Deque::isEmpty);
            return;
        }
        FakeWork work = ready.get(random.nextInt(ready.size())).remove();
        if (work.waitsForAFailure()) {
            work.state = State.FAILED;
        } else {
            boolean fails = work.kind != Kind.COMPUTE && random.nextDouble() < failing;
            execute(work, fails);
            work.state = fails ? State.FAILED : State.ENDED;
        }
        check.run();
    }

    private void execute(FakeWork work, boolean fails) {
        switch (work.kind) {
            case UPLOAD -> upload(work, fails);
            case DOWNLOAD -> download(work, fails);
            case COMPUTE -> compute(work);
        }
    }

    private void upload(FakeWork work, boolean fails) {
        if (work.bytes > 0) {
            assertThat(waitingBefore(work).noneMatch(earlier -> earlier.readsSlot(work.slot)))
                    .as("slot %d is read before it is overwritten", work.slot)
                    .isTrue();
            int[] block = blocks[work.block];
            assertThat(isWhole(block, block[0]))
                    .as("block %d is whole", work.block)
                    .isTrue();
            int[] from = block.clone();
            if (work.packed > 0) {
                Arrays.fill(from, packed(block[0], work.packed));
            }
            copy(from, slots[work.slot], work, fails);
        }
    }

    private void download(FakeWork work, boolean fails) {
        assertThat(waitingBefore(work).noneMatch(earlier -> earlier.readsBlock(work.block)))
                .as("block %d is read before it is overwritten", work.block)
                .isTrue();
        assertThat(hostReads).as("blocks that the host reads").doesNotContainKey(work.block);
        int[] slot = slots[work.slot];
        assertThat(isWhole(slot, slot[0])).as("slot %d is whole", work.slot).isTrue();
        copy(slot, blocks[work.block], work, fails);
    }

    private java.util.stream.Stream<FakeWork> waitingBefore(FakeWork work) {
        return queues.values().stream().flatMap(Deque::stream).filter(earlier -> earlier.ticket < work.ticket);
    }

    private void copy(int[] from, int[] to, FakeWork work, boolean fails) {
        int good = fails ? random.nextInt(work.bytes) : work.bytes;
        System.arraycopy(from, work.offset, to, work.offset, good);
        Arrays.fill(to, work.offset + good, work.offset + work.bytes, GARBAGE);
    }

    private void compute(FakeWork work) {
        for (int i = 0; i < work.slots.length; i++) {
            boolean whole = work.parts[i] == parts;
            assertThat(Arrays.copyOf(slots[work.slots[i]], bytes(work.parts[i])))
                    .as("slot %d in step %d", work.slots[i], work.step)
                    .containsOnly(whole ? work.experts[i] : packed(work.experts[i], work.parts[i]));
        }
        if (work.slots.length > 0) {
            List<Integer> found = IntStream.range(0, work.slots.length)
                    .boxed()
                    .flatMap(i -> range(work.experts[i], 0, work.parts[i]))
                    .toList();
            computed.add(new Computed(work.step, work.layer, found));
        }
    }
}
