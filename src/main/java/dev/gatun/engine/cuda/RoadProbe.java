package dev.gatun.engine.cuda;

import dev.gatun.offload.CopyEngine;
import dev.gatun.offload.PromptRoads;
import dev.gatun.offload.RoadRates;
import dev.gatun.offload.RoadSpeed;
import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Measures both roads of a missing expert, one after the other, each while the other is in use: the link while the host's
 * threads compute, but for the calling one, which looks when the uploads end; then the host's jobs while uploads are in flight.
 * Where copies make the caller wait, only the link is measured so. Takes some dozens of milliseconds for experts of a
 * large model; on a slow processor as long as the few jobs that are needed at least.
 */
final class RoadProbe {
    private static final int UPLOADS = 12;
    private static final int MOST_JOBS = 24;
    private static final int MOST_AT_ONCE = 32;

    /** A few parts of an expert are the parts divided by this. */
    private static final int SHARE = 8;

    private static final double NANO = 1e-9;

    /** Each measurement ends with the job that exceeds this. */
    private static final double ENOUGH_SECONDS = 0.02;

    /** A clock that does not move between two looks would make a road infinitely fast. */
    private static final double LEAST_SECONDS = 1e-7;

    /** What an upload takes besides: the host orders it in several calls, and its parts begin one after the other. */
    private static final double UPLOAD_SECONDS = 15e-6;

    private final BusyLink link;
    private final HostRoad road;
    private final int blocks;
    private final long blockBytes;
    private final int parts;
    private final LongSupplier clock;
    private double uploadSeconds = 1;
    private double jobSeconds = 1;
    private int turn;

    /**
     * Measures nothing yet.
     *
     * @param slot a slot of the device whose content means nothing
     * @param road what it computes means nothing
     * @param blocks of the store
     * @param parts of an expert
     * @param clock nanoseconds, from any origin
     */
    RoadProbe(CopyEngine copies, int slot, HostRoad road, int blocks, long blockBytes, int parts, LongSupplier clock) {
        this.link = new BusyLink(copies, slot, blocks, blockBytes);
        this.road = road;
        this.blocks = blocks;
        this.blockBytes = blockBytes;
        this.parts = parts;
        this.clock = clock;
    }

    /** Measures what experts of single tokens take. Nothing is in flight afterwards. */
    RoadRates measure() {
        jobSeconds = seconds(0);
        if (jobSeconds < ENOUGH_SECONDS) {
            // The first one wakes everything up.
            jobSeconds = seconds(0);
        }
        uploadSeconds = measureUpload();
        RoadSpeed processor = measureProcessor();
        link.await();
        return new RoadRates(new RoadSpeed(blockBytes / uploadSeconds, UPLOAD_SECONDS), processor);
    }

    /** One upload of many, looked after by this thread while the others compute. */
    private double measureUpload() {
        int experts = Math.clamp((long) (ENOUGH_SECONDS / jobSeconds), 1, MOST_AT_ONCE);
        for (int i = 0; i < experts; i++) {
            road.add(HostRoad.ANY, nextBlock(), 0, 0, 0);
        }
        road.begin();
        try {
            long begin = clock.getAsLong();
            link.keep(UPLOADS);
            link.await();
            return secondsSince(begin) / UPLOADS;
        } finally {
            road.finish();
        }
    }

    /** From whole experts and from a few parts of each. */
    private RoadSpeed measureProcessor() {
        double[] whole = new double[MOST_JOBS];
        double[] part = new double[MOST_JOBS];
        int jobs = 0;
        long begin = clock.getAsLong();
        do {
            keepLinkBusy(1);
            whole[jobs] = seconds(0);
            keepLinkBusy(1);
            part[jobs] = seconds(parts - few());
            jobs++;
        } while (jobs < MOST_JOBS && secondsSince(begin) < ENOUGH_SECONDS);
        Arrays.sort(whole, 0, jobs);
        Arrays.sort(part, 0, jobs);
        double fixed = parts == 1 ? 0 : fixed(whole[0], part[0]);
        // The shorter of two in the middle: what holds a job up makes it longer.
        return new RoadSpeed(blockBytes / Math.max(LEAST_SECONDS, whole[(jobs - 1) / 2] - fixed), fixed);
    }

    /** Enough that they take longer than what every job takes besides. */
    private int few() {
        return Math.ceilDiv(parts, SHARE);
    }

    /**
     * What every job takes besides, by a line through the shortest of each: the others were held up, since the JVM runs this for
     * the first time, and by whatever else runs. At most half of either, for one that is the only one may be held up too.
     */
    private double fixed(double whole, double part) {
        return Math.clamp((part * parts - whole * few()) / (parts - few()), 0, Math.min(whole, part) / 2);
    }

    /** Puts in what the link has to do for so many jobs of the host. */
    private void keepLinkBusy(int jobs) {
        link.keep((int) Math.min(MOST_AT_ONCE, 1 + Math.ceil(jobs * jobSeconds / uploadSeconds)));
    }

    /**
     * Measures what is worth computing of a prompt's experts, after {@link #measure}. What the link takes is asked for
     * each time, since it may turn out otherwise.
     *
     * @param rates those that were measured, and are corrected
     */
    Supplier<PromptRoads> forPrompts(RoadRates rates) {
        double[] seconds = new double[HostRoad.MOST_TOKENS];
        long begin = clock.getAsLong();
        for (int count = 1; count <= seconds.length; count++) {
            boolean isEnough = count > 1 && secondsSince(begin) > ENOUGH_SECONDS;
            // At worst: tokens at once share what is read.
            seconds[count - 1] = isEnough ? count * seconds[0] : secondsOfTokens(count);
        }
        link.await();
        return () -> new PromptRoads(UPLOAD_SECONDS + blockBytes / rates.linkBytesPerSecond(), seconds);
    }

    /** A whole expert for so many tokens: what is best of two runs, as one takes it when the host is at work. */
    private double secondsOfTokens(int count) {
        int[] tokens = new int[count];
        Arrays.setAll(tokens, token -> token);
        double first = secondsOfTokens(tokens);
        return first > ENOUGH_SECONDS ? first : Math.min(first, secondsOfTokens(tokens));
    }

    private double secondsOfTokens(int[] tokens) {
        keepLinkBusy(tokens.length);
        long begin = clock.getAsLong();
        road.addWhole(HostRoad.ANY, nextBlock(), tokens, new int[tokens.length], tokens.length);
        return secondsSince(begin);
    }

    /** The host computes one expert from a part on. What is made of the expert once is no measure of that. */
    private double seconds(int fromPart) {
        road.add(HostRoad.ANY, nextBlock(), fromPart, 0, 0);
        long begin = clock.getAsLong();
        road.begin();
        road.finish();
        return secondsSince(begin);
    }

    private double secondsSince(long begin) {
        return Math.max(LEAST_SECONDS, (clock.getAsLong() - begin) * NANO);
    }

    private int nextBlock() {
        return blocks - 1 - turn++ % blocks;
    }
}
