package dev.gatun.offload;

import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Decodes on a {@link TimedDevice}: choices are made, misses served over both roads, and time passes. */
final class TimedRun {
    static final long BLOCK = 66_404_352;
    private static final double POLL = 2e-6;
    /** Attention, router and resident experts of a layer. */
    private static final double BETWEEN = 60e-6;

    private final CacheShape shape;
    private final int parts;
    private final TimedDevice device;
    private final ExpertFetcher fetcher;
    private final RoadRates rates;
    private final Random random;
    private RoadSpeed processor;
    private double noise;
    private double longestBehind;
    private int layersDone;

    /**
     * Makes a run.
     *
     * @param link what the link really does
     * @param processor what the host really does
     * @param believed what is believed of both at first
     * @param guesses of each layer that are copied ahead, at most
     */
    TimedRun(
            CacheShape shape,
            MissMode mode,
            int parts,
            RoadSpeed link,
            RoadSpeed processor,
            RoadRates believed,
            int guesses) {
        this.shape = shape;
        this.parts = parts;
        this.processor = processor;
        this.rates = believed;
        this.random = new Random(1);
        this.device = new TimedDevice(BLOCK, parts, link);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(shape.allExperts()), 2);
        RoadSplit split = new RoadSplit(mode, parts, believed, 0, device::nanos);
        this.fetcher = new ExpertFetcher(cache, device, BLOCK, PrefetchSettings.of(guesses), split);
    }

    /** Fills the slots, as a prompt does. */
    void warm() {
        int[] slots = new int[2];
        for (int expert = 0; expert < shape.allExperts(); expert++) {
            if (expert % shape.experts() < shape.slots() / shape.layers()) {
                fetcher.fetch(expert / shape.experts(), new int[] {expert % shape.experts()}, 1, slots);
                device.drain();
                fetcher.computed();
            }
        }
    }

    void link(RoadSpeed speed) {
        device.link(speed);
    }

    void processor(RoadSpeed speed) {
        processor = speed;
    }

    /** From now on jobs of the host take longer or shorter by up to this share. */
    void noise(double share) {
        noise = share;
    }

    ExpertFetcher fetcher() {
        return fetcher;
    }

    TimedDevice device() {
        return device;
    }

    RoadRates rates() {
        return rates;
    }

    /** The longest time that something needed had to wait for the link when it was put in. */
    double longestBehind() {
        return longestBehind;
    }

    /** Seconds that some layers take, each with a choice of its own; what comes between layers is not counted. */
    double layers(int count, Supplier<int[]> choices) {
        double served = 0;
        int[] chosen = choices.get();
        for (int i = 0; i < count; i++) {
            double begun = device.now();
            layer(layersDone % shape.layers(), chosen);
            served += device.now() - begun;
            chosen = choices.get();
            guess(++layersDone % shape.layers(), chosen);
            pass(BETWEEN);
        }
        return served;
    }

    /** Every other guess is right. */
    private void guess(int layer, int[] chosen) {
        int expert = random.nextBoolean() ? chosen[0] : random.nextInt(shape.experts());
        fetcher.prefetch(layer, new int[] {expert}, 1);
    }

    private void layer(int layer, int[] chosen) {
        int[] slots = new int[chosen.length];
        int[] leading = new int[chosen.length];
        longestBehind = Math.max(longestBehind, device.busy());
        fetcher.fetch(layer, chosen, chosen.length, slots, leading, () -> {});
        double linkEnds = device.now() + device.busy();
        int left = IntStream.of(leading).map(device -> parts - device).sum();
        if (left > 0) {
            long bytes = BLOCK * left / parts;
            double seconds = processor.fixedSeconds() + bytes / processor.bytesPerSecond();
            seconds *= 1 + noise * (2 * random.nextDouble() - 1);
            device.advance(seconds);
            fetcher.hostComputed(bytes, Math.round(seconds * 1e9));
        }
        pass(Math.max(0, linkEnds - device.now()));
        fetcher.computed();
    }

    private void pass(double seconds) {
        double until = device.now() + seconds;
        while (device.now() < until) {
            device.advance(Math.min(POLL, until - device.now() + 1e-12));
            fetcher.pump();
        }
    }
}
