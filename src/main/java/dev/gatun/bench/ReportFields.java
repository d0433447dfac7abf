package dev.gatun.bench;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;

/** A report's numbers by name, for machines; rates are tokens a second. */
final class ReportFields {
    private ReportFields() {}

    /** What was measured. */
    static Map<String, Object> subject(BenchDescription subject) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", subject.model());
        fields.put("model_bytes", subject.bytes());
        fields.put("expert_bytes", subject.sizes().expert());
        fields.put("backend", subject.backend());
        fields.put("device", subject.device());
        fields.put(
                "gpu_memory",
                subject.gpuMemory().isPresent() ? subject.gpuMemory().getAsLong() : null);
        fields.put("host_memory", subject.hostMemory());
        return fields;
    }

    /** How it was measured. What is not simulated is null. */
    static Map<String, Object> setting(BenchReport report) {
        OptionalInt threads = report.simulation().threads();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("misses", report.misses().name().toLowerCase(Locale.ROOT));
        fields.put(
                "simulated_link_bytes_per_second", nullable(report.simulation().link()));
        fields.put("simulated_threads", threads.isPresent() ? threads.getAsInt() : null);
        return fields;
    }

    /** What a test gave, without the samples. What is not known is null. */
    static Map<String, Object> result(BenchReport report, BenchResult result) {
        Samples rates = result.rates();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("test", result.test().label());
        fields.put("tokens", result.test().tokens());
        fields.put("repetitions", result.runs().size());
        fields.put("mean", rates.mean());
        fields.put("deviation", rates.deviation());
        fields.put("median", rates.median());
        fields.put("bound", nullable(report.bound(result)));
        fields.put("share_of_bound", nullable(report.shareOfBound(result)));
        fields.putAll(cost(result));
        fields.putAll(roads(report, result));
        return fields;
    }

    private static Map<String, Object> cost(BenchResult result) {
        Optional<FetchCost> cost = result.cost();
        double tokens = result.tokens();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("hit_ratio", of(cost, FetchCost::hitRatio));
        fields.put("hit_layers_per_token", of(cost, counted -> counted.hitLayers() / tokens));
        fields.put("bytes_to_gpu_per_token", of(cost, counted -> counted.bytesUp() / tokens));
        fields.put("bytes_from_gpu_per_token", of(cost, counted -> counted.bytesDown() / tokens));
        fields.putAll(times(result));
        return fields;
    }

    private static Map<String, Object> roads(BenchReport report, BenchResult result) {
        Optional<RoadCost> roads = result.cost().map(FetchCost::roads);
        Optional<RoadUse> use = result.cost().map(cost -> RoadUse.of(result, cost, report.ceilings()));
        double tokens = result.tokens();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("experts_fetched_per_token", of(roads, counted -> counted.fetched() / tokens));
        fields.put("experts_split_per_token", of(roads, counted -> counted.split() / tokens));
        fields.put("experts_computed_per_token", of(roads, counted -> counted.computed() / tokens));
        fields.put("bytes_computed_per_token", of(roads, counted -> counted.bytes() / tokens));
        fields.put("computing_seconds_per_token", of(roads, counted -> counted.computing() / tokens));
        fields.put("cpu_waited_seconds_per_token", of(roads, counted -> counted.waited() / tokens));
        fields.put("roads_bytes_per_second", of(use, RoadUse::bytesPerSecond));
        fields.put("link_use", of(use, RoadUse::link));
        fields.put("host_memory_use", of(use, RoadUse::host));
        fields.put("cpu_busy", of(use, RoadUse::cpuBusy));
        return fields;
    }

    private static Map<String, Object> times(BenchResult result) {
        Optional<TimeCost> times = result.times();
        double tokens = result.tokens();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("link_busy", of(times, taken -> taken.link() / result.seconds()));
        fields.put("gpu_busy", of(times, taken -> taken.computing() / result.seconds()));
        fields.put("attention_seconds_per_token", of(times, taken -> taken.attention() / tokens));
        fields.put("router_seconds_per_token", of(times, taken -> taken.router() / tokens));
        fields.put("experts_seconds_per_token", of(times, taken -> taken.experts() / tokens));
        fields.put("waiting_seconds_per_token", of(times, taken -> taken.waiting() / tokens));
        fields.put("host_seconds_per_token", of(times, taken -> taken.host() / tokens));
        fields.put("cpu_seconds_per_token", of(times, taken -> taken.cpu() / tokens));
        return fields;
    }

    private static <T> Double of(Optional<T> cost, ToDoubleFunction<T> number) {
        return cost.map(number::applyAsDouble).orElse(null);
    }

    static Double nullable(OptionalDouble value) {
        return value.isPresent() ? (Double) value.getAsDouble() : null;
    }
}
