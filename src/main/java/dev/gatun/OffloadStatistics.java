package dev.gatun;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * What fetching experts cost, over one forward pass or several.
 *
 * @param time of the passes
 * @param hits experts that single tokens asked for and that were on the GPU
 * @param late experts that single tokens asked for and whose copy, on its way, was waited for
 * @param misses experts that single tokens asked for and that were neither
 * @param hitLayers layers of a token, or of a part of a prompt, all of whose experts were on the GPU
 * @param prefetches experts that were guessed and began to be copied
 * @param prefetchesUsed those of them that were asked for
 * @param prefetchesWasted those that left the GPU before anybody asked for them
 * @param prefetchDepth guesses of a layer that are copied at the end; fewer than were asked for where more did not pay
 * @param prefetchTurnedDown how often that became less, since the last guess did not pay
 * @param bytesToGpu bytes copied to the GPU
 * @param bytesFromGpu bytes copied back
 * @param roads how missing experts were served, those of prompts too, which are no {@code misses}
 * @param times where the time went; empty unless {@link ModelOptions#withTimes} asked for it
 * @param gpuMemory bytes of the GPU's memory in use at the end
 * @param hostMemory bytes of page-locked host memory: {@link BackendChoice#hostMemory}
 */
public record OffloadStatistics(
        Duration time,
        long hits,
        long late,
        long misses,
        long hitLayers,
        long prefetches,
        long prefetchesUsed,
        long prefetchesWasted,
        int prefetchDepth,
        long prefetchTurnedDown,
        long bytesToGpu,
        long bytesFromGpu,
        Roads roads,
        Optional<Times> times,
        long gpuMemory,
        long hostMemory) {

    /**
     * Missing experts by the road that they were served on: see {@link ExpertMisses}. An expert of a prompt counts once for
     * all tokens that are processed together.
     *
     * @param fetched experts that were copied whole
     * @param split experts of which the GPU computed a part and the CPU the rest
     * @param computed experts that the CPU computed whole
     * @param bytesComputed bytes of experts that the CPU read
     * @param computing how long the CPU computed
     * @param waited how long the CPU had ended before the copies for the same layer had
     */
    public record Roads(
            long fetched, long split, long computed, long bytesComputed, Duration computing, Duration waited) {
        private void putInto(Map<String, Object> numbers) {
            numbers.put("fetched", fetched);
            numbers.put("split", split);
            numbers.put("computed", computed);
            numbers.put("bytes_computed", bytesComputed);
            numbers.put("computing_seconds", seconds(computing));
            numbers.put("cpu_waited_seconds", seconds(waited));
        }

        private Roads plus(Roads more) {
            return new Roads(
                    fetched + more.fetched,
                    split + more.split,
                    computed + more.computed,
                    bytesComputed + more.bytesComputed,
                    computing.plus(more.computing),
                    waited.plus(more.waited));
        }
    }

    /**
     * How long link and GPU were busy, as the GPU measured it.
     *
     * @param linkBusy how long copies ran; while one runs each way the time counts once
     * @param parts the time of the passes
     */
    public record Times(Duration linkBusy, PartTimes parts) {
        /** How long the GPU computed, the pauses between two operations of a part included. */
        public Duration gpuBusy() {
            return parts.attention.plus(parts.router).plus(parts.experts);
        }

        private void putInto(Map<String, Object> numbers) {
            numbers.put("link_busy_seconds", seconds(linkBusy));
            numbers.put("gpu_busy_seconds", seconds(gpuBusy()));
            parts.putInto(numbers);
        }

        private Times plus(Times more) {
            return new Times(linkBusy.plus(more.linkBusy), parts.plus(more.parts));
        }
    }

    /**
     * Where the time of forward passes went. What is missing to their sum are sampling, and the way of the logits to the host.
     *
     * @param attention attention, with its projections; and the embedding and the head
     * @param router choosing experts
     * @param experts computing them
     * @param waiting the GPU waited for a copy
     * @param cpu the GPU waited for the CPU's part of the experts
     * @param host the GPU waited for the host to order something
     */
    public record PartTimes(
            Duration attention, Duration router, Duration experts, Duration waiting, Duration cpu, Duration host) {
        private void putInto(Map<String, Object> numbers) {
            numbers.put("attention_seconds", seconds(attention));
            numbers.put("router_seconds", seconds(router));
            numbers.put("experts_seconds", seconds(experts));
            numbers.put("waiting_seconds", seconds(waiting));
            numbers.put("cpu_seconds", seconds(cpu));
            numbers.put("host_seconds", seconds(host));
        }

        private PartTimes plus(PartTimes more) {
            return new PartTimes(
                    attention.plus(more.attention),
                    router.plus(more.router),
                    experts.plus(more.experts),
                    waiting.plus(more.waiting),
                    cpu.plus(more.cpu),
                    host.plus(more.host));
        }
    }

    /** Experts asked for. */
    public long requests() {
        return hits + late + misses;
    }

    /** The share of the experts asked for that were on the GPU; 0 when none were asked for. */
    public double hitRatio() {
        return share(hits, requests());
    }

    /** The share of the guesses whose fate is known that were right; 0 when there are none. */
    public double prefetchPrecision() {
        return share(prefetchesUsed, prefetchesUsed + prefetchesWasted);
    }

    /** The share of the experts that would have been missing that were guessed; 0 when none would have been. */
    public double prefetchRecall() {
        return share(prefetchesUsed, prefetchesUsed + misses);
    }

    /** The share of the time that the link was busy, 0 to 1, if it was measured. */
    public OptionalDouble linkShare() {
        return share(Times::linkBusy);
    }

    /** The share of the time that the GPU computed, 0 to 1, if it was measured. */
    public OptionalDouble gpuShare() {
        return share(Times::gpuBusy);
    }

    private OptionalDouble share(Function<Times, Duration> busy) {
        return times.stream()
                .mapToDouble(measured -> share(busy.apply(measured).toNanos(), time.toNanos()))
                .findFirst();
    }

    /**
     * The numbers by name, in a fixed order, times in seconds: what {@code --json} and {@code --trace} write. Where no
     * times are measured they are missing.
     */
    public Map<String, Object> asMap() {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("seconds", seconds(time));
        numbers.put("hits", hits);
        numbers.put("late", late);
        numbers.put("misses", misses);
        numbers.put("hit_layers", hitLayers);
        numbers.put("prefetches", prefetches);
        numbers.put("prefetches_used", prefetchesUsed);
        numbers.put("prefetches_wasted", prefetchesWasted);
        numbers.put("prefetch_depth", prefetchDepth);
        numbers.put("prefetch_turned_down", prefetchTurnedDown);
        numbers.put("bytes_to_gpu", bytesToGpu);
        numbers.put("bytes_from_gpu", bytesFromGpu);
        roads.putInto(numbers);
        times.ifPresent(measured -> measured.putInto(numbers));
        numbers.put("gpu_memory", gpuMemory);
        numbers.put("host_memory", hostMemory);
        return numbers;
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }

    /** Both together; memory and depth are those of {@code later}. */
    OffloadStatistics plus(OffloadStatistics later) {
        return new OffloadStatistics(
                time.plus(later.time),
                hits + later.hits,
                late + later.late,
                misses + later.misses,
                hitLayers + later.hitLayers,
                prefetches + later.prefetches,
                prefetchesUsed + later.prefetchesUsed,
                prefetchesWasted + later.prefetchesWasted,
                later.prefetchDepth,
                prefetchTurnedDown + later.prefetchTurnedDown,
                bytesToGpu + later.bytesToGpu,
                bytesFromGpu + later.bytesFromGpu,
                roads.plus(later.roads),
                times.flatMap(mine -> later.times.map(mine::plus)),
                later.gpuMemory,
                later.hostMemory);
    }
}
