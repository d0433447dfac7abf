package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.FakeDevice.Computed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Runs a script through a fetcher as an engine would, and gathers what the device computed. */
final class FetchRun {
    /**
     * A token, or many of them.
     *
     * @param prompt whether it is streamed
     * @param all whether every expert is needed
     * @param layers how many layers are computed before it is cancelled
     * @param chosen experts of each layer
     */
    record Step(boolean prompt, boolean all, int layers, List<int[]> chosen) {}

    private final FetchSetting setting;
    private final CacheShape shape;
    private final ExpertFetcher fetcher;
    private final FakeDevice device;
    private final Random random;
    private final boolean failing;
    private final List<Computed> results = new ArrayList<>();
    private int resets;
    private int leftOut;

    /**
     * Makes a run.
     *
     * @param failing how often a copy fails
     * @param refusing how often a call does
     */
    FetchRun(FetchSetting setting, Random random, double failing, double refusing) {
        this.setting = setting;
        this.shape = setting.shape();
        this.random = random;
        FetchSetting.Rig rig = setting.rig(random);
        this.fetcher = rig.fetcher();
        this.device = rig.device();
        this.failing = failing + refusing > 0;
        device.fail(failing, refusing);
    }

    ExpertFetcher fetcher() {
        return fetcher;
    }

    /** Bytes of the copies that were put in. */
    long bytes(FakeWork.Kind kind) {
        return device.copies().stream()
                .filter(copy -> copy.kind == kind)
                .mapToLong(copy -> copy.bytes)
                .sum();
    }

    /** Experts that the host computed in prompts. */
    int leftOut() {
        return leftOut;
    }

    int resets() {
        return resets;
    }

    static List<Step> script(Random random, CacheShape shape, int topK, int length) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            boolean prompt = random.nextInt(6) == 0;
            boolean all = prompt && random.nextBoolean();
            List<int[]> chosen = new ArrayList<>();
            for (int layer = 0; layer < shape.layers(); layer++) {
                int count = all ? shape.experts() : prompt ? random.nextInt(shape.experts() + 1) : topK;
                chosen.add(RandomScheduler.choice(random, shape.experts(), count));
            }
            int layers = random.nextInt(8) == 0 ? random.nextInt(shape.layers()) : shape.layers();
            steps.add(new Step(prompt, all, layers, chosen));
        }
        return steps;
    }

    /** What any setting has to compute. */
    static List<Computed> expected(List<Step> script, FetchSetting setting) {
        CacheShape shape = setting.shape();
        List<Computed> expected = new ArrayList<>();
        for (int step = 0; step < script.size(); step++) {
            for (int layer = 0; layer < script.get(step).layers; layer++) {
                int first = layer * shape.experts();
                List<Integer> parts = IntStream.of(script.get(step).chosen.get(layer))
                        .flatMap(expert -> IntStream.range(0, setting.parts())
                                .map(part -> (first + expert) * setting.parts() + part))
                        .sorted()
                        .boxed()
                        .toList();
                if (!parts.isEmpty()) {
                    expected.add(new Computed(step, layer, parts));
                }
            }
        }
        return expected;
    }

    /** Runs it; a step that fails is done again. */
    List<Computed> run(List<Step> script) {
        for (int step = 0; step < script.size(); step++) {
            int done = device.done().size();
            while (!succeeds(step, script.get(step), step + 1 < script.size() ? script.get(step + 1) : null)) {
                device.done().subList(done, device.done().size()).clear();
            }
        }
        device.drain();
        gather();
        return results;
    }

    private boolean succeeds(int number, Step step, Step next) {
        try {
            if (step.prompt) {
                prompt(number, step);
            } else {
                token(number, step, next);
            }
            if (failing || !setting.hurried()) {
                await();
            }
            return true;
        } catch (CopyFailedException failed) {
            resetUntilDone();
            return false;
        }
    }

    private void resetUntilDone() {
        resets++;
        boolean done = false;
        while (!done) {
            try {
                fetcher.reset();
                done = true;
            } catch (CopyFailedException again) {
                resets++;
            }
        }
    }

    /** In a run that is not hurried nothing goes on beside the host: a host that waited would wait for ever. */
    private void await() {
        long ticket = device.computed();
        if (!setting.hurried()) {
            device.freeze();
            device.finishComputing();
        }
        while (!device.hasEnded(ticket)) {
            fetcher.pump();
        }
    }

    private void token(int number, Step step, Step next) {
        for (int layer = 0; layer < step.layers; layer++) {
            int[] chosen = step.chosen.get(layer);
            // As for two tokens at once: the second one's experts are fetched after the first one's.
            int first = random.nextInt(4) == 0 ? random.nextInt(chosen.length) : 0;
            if (first > 0) {
                fetchAndCompute(number, layer, Arrays.copyOf(chosen, first));
            }
            fetchAndCompute(number, layer, Arrays.copyOfRange(chosen, first, chosen.length));
            guess(layer, step, next);
            for (int polls = random.nextInt(10); polls > 0; polls--) {
                fetcher.pump();
            }
        }
    }

    private void fetchAndCompute(int number, int layer, int[] chosen) {
        int[] slots = new int[chosen.length];
        int[] parts = new int[chosen.length];
        // The host reads from then on, while copies are put in.
        List<HostShare> begun = new ArrayList<>();
        fetcher.fetch(layer, chosen, chosen.length, slots, parts, () -> begun.add(beginOnHost(layer, chosen, parts)));
        assertThat(begun)
                .as("begun where some part is left")
                .hasSize(IntStream.of(parts).anyMatch(some -> some < setting.parts()) ? 1 : 0);
        computeOnDevice(number, layer, chosen, slots, parts);
        if (random.nextBoolean()) {
            fetcher.putIn();
        }
        begun.forEach(share -> endOnHost(number, layer, share, slots));
        fetcher.computed();
        if (!setting.hurried()) {
            await();
        }
    }

    /** Which of the chosen the host computes from which part on, and from which blocks. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record HostShare(int[] left, int[] firstParts, int[] blocks) {}

    private HostShare beginOnHost(int layer, int[] chosen, int[] parts) {
        int[] left = IntStream.range(0, chosen.length)
                .filter(i -> parts[i] < setting.parts())
                .toArray();
        int[] blocks =
                IntStream.of(left).map(i -> fetcher.block(layer, chosen[i])).toArray();
        for (int i = 0; i < left.length; i++) {
            device.hostBegins(blocks[i], layer * shape.experts() + chosen[left[i]]);
        }
        return new HostShare(left, IntStream.of(left).map(i -> parts[i]).toArray(), blocks);
    }

    private void endOnHost(int number, int layer, HostShare share, int[] slots) {
        fetcher.pump();
        for (int i = 0; i < share.left.length; i++) {
            assertThat(slots[share.left[i]] == ExpertCache.NONE).isEqualTo(share.firstParts[i] == 0);
            device.hostEnds(number, layer, share.blocks[i], share.firstParts[i]);
        }
        fetcher.hostComputed(share.left.length * (long) setting.blockBytes(), random.nextInt(40));
    }

    private void computeOnDevice(int number, int layer, int[] chosen, int[] slots, int[] parts) {
        int[] given =
                IntStream.range(0, chosen.length).filter(i -> parts[i] > 0).toArray();
        int first = layer * shape.experts();
        int[] taken = IntStream.of(given).map(i -> slots[i]).toArray();
        assertThat(taken).doesNotHaveDuplicates().doesNotContain(ExpertCache.NONE);
        if (IntStream.of(given).anyMatch(i -> parts[i] < setting.parts())) {
            fetcher.computeAfterParts();
        }
        device.compute(
                number,
                layer,
                IntStream.of(given).map(i -> first + chosen[i]).toArray(),
                taken,
                IntStream.of(given).map(i -> parts[i]).toArray());
    }

    private void compute(int number, int layer, int[] chosen, int[] slots) {
        int first = layer * shape.experts();
        device.compute(number, layer, IntStream.of(chosen).map(e -> first + e).toArray(), slots);
    }

    /** Guesses for the next layer, or the one after it, right or wrong. */
    private void guess(int layer, Step step, Step next) {
        int ahead = layer + 1 + random.nextInt(2);
        Step from = ahead < shape.layers() ? step : next;
        if (from == null || setting.prefetch().experts() == 0) {
            return;
        }
        int[] right = from.chosen.get(ahead % shape.layers());
        TreeSet<Integer> guesses = new TreeSet<>();
        for (int i = 0; i < Math.min(3, shape.experts()); i++) {
            boolean isRight = i < right.length && random.nextDouble() < setting.precision();
            guesses.add(isRight ? right[i] : random.nextInt(shape.experts()));
        }
        int[] experts = guesses.stream().mapToInt(Integer::intValue).toArray();
        fetcher.prefetch(ahead % shape.layers(), experts, experts.length);
    }

    private void prompt(int number, Step step) {
        if (shape.staging() == 0 && !shape.holdsAll()) {
            for (int layer = 0; layer < step.layers; layer++) {
                fetchOneByOne(number, layer, step.chosen.get(layer));
            }
            return;
        }
        ExpertStream stream = fetcher.stream(step.all);
        int[] experts = new int[shape.experts()];
        int[] slots = new int[shape.experts()];
        for (int layer = 0; layer < step.layers; layer++) {
            int[] chosen = step.chosen.get(layer);
            if (!step.all && random.nextBoolean()) {
                chosen = computeOnHost(number, layer, chosen, stream);
            }
            int resident = stream.begin(layer, chosen, chosen.length, experts, slots);
            compute(number, layer, Arrays.copyOf(experts, resident), Arrays.copyOf(slots, resident));
            Deque<Integer> held = new ArrayDeque<>();
            while (stream.next()) {
                compute(number, layer, new int[] {stream.expert()}, new int[] {stream.slot()});
                held.add(stream.slot());
                if (held.size() >= shape.staging() || random.nextBoolean()) {
                    stream.done(held.remove());
                }
            }
            boolean cancelled = layer + 1 == step.layers && step.layers < shape.layers();
            while (!cancelled && !held.isEmpty()) {
                stream.done(held.remove());
            }
        }
        stream.close();
    }

    /** Some of the absent experts, which the host computes; returns the others. */
    private int[] computeOnHost(int number, int layer, int[] chosen, ExpertStream stream) {
        int[] absent = new int[chosen.length];
        int some = Math.min(1, stream.absent(layer, chosen, chosen.length, absent));
        for (int i = 0; i < some; i++) {
            int block = fetcher.block(layer, absent[i]);
            device.hostBegins(block, layer * shape.experts() + absent[i]);
            device.hostEnds(number, layer, block, 0);
            leftOut++;
            stream.hostComputed(1, setting.blockBytes(), 1);
        }
        return IntStream.of(chosen)
                .filter(expert -> some == 0 || expert != absent[0])
                .toArray();
    }

    private void fetchOneByOne(int number, int layer, int[] chosen) {
        for (int expert : chosen) {
            int[] slot = new int[1];
            fetcher.fetch(layer, new int[] {expert}, 1, slot);
            compute(number, layer, new int[] {expert}, slot);
            fetcher.computed();
            if (!setting.hurried()) {
                await();
            }
        }
    }

    /** What was computed of a layer, however many pieces it was computed in, and in what order. */
    private void gather() {
        TreeMap<Integer, List<Integer>> parts = new TreeMap<>();
        for (Computed piece : device.done()) {
            int key = piece.step() * shape.layers() + piece.layer();
            parts.computeIfAbsent(key, layer -> new ArrayList<>()).addAll(piece.parts());
        }
        parts.forEach((key, all) -> results.add(new Computed(
                key / shape.layers(),
                key % shape.layers(),
                all.stream().sorted().toList())));
    }
}
