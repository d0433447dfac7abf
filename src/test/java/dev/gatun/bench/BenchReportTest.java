package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.ExpertMisses;
import dev.gatun.SystemInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BenchReportTest {
    private static final Ceilings GPU = new Ceilings(
            1e6, OptionalDouble.of(1e5), OptionalDouble.of(1e9), OptionalDouble.of(2e5), OptionalDouble.of(3e5));
    private static final Ceilings CPU = new Ceilings(
            1e6, OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());

    private static final BenchTest TG = new BenchTest(BenchTest.Kind.GENERATE, 10);
    private static final BenchTest PP = new BenchTest(BenchTest.Kind.PROMPT, 100);

    private static final TimeCost TIMES = new TimeCost(0.25, 0.01, 0.02, 0.095, 0.2, 0.1, 0.05);

    /** For ten tokens: 200 experts asked for, 140 hits, 60 missing; 4 layers of each token only hit. */
    private static final FetchCost COST = cost(6_000, RoadCost.NONE);

    /** The same, where the CPU reads twice as much as is copied. */
    private static final FetchCost SHARED = cost(6_000, new RoadCost(10, 20, 30, 12_000, 0.5, 0.125));

    private static FetchCost cost(long copied, RoadCost roads) {
        return new FetchCost(200, 140, 40, copied, 500, roads, Optional.of(TIMES));
    }

    private static BenchResult result(BenchTest test, Optional<FetchCost> cost, double... seconds) {
        return new BenchResult(
                test,
                Arrays.stream(seconds)
                        .mapToObj(time -> new Measurement(test.tokens(), time, cost))
                        .toList());
    }

    private static BenchReport report(Ceilings ceilings, BenchResult... results) {
        return report(ceilings, ExpertMisses.FETCH, Simulation.NONE, results);
    }

    private static BenchReport report(
            Ceilings ceilings, ExpertMisses misses, Simulation simulation, BenchResult... results) {
        return new BenchReport(
                "a machine",
                FakeSubject.description(OptionalLong.of(3L << 29)),
                "0.7",
                "host mode exclusive, prefetch 2",
                misses,
                simulation,
                ceilings,
                List.of(results));
    }

    @Test
    void theBoundOfGeneratingIsFetchingTrunkAndLayersThatOnlyHit() {
        BenchResult twice = result(TG, Optional.of(COST), 1, 2);
        // A token: 600 bytes at 1e5/s, 1000 of the trunk and 4 layers of 2 experts of 100 at 1e6/s.
        double seconds = 600 / 1e5 + (1000 + 4 * 2 * 100) / 1e6;
        assertThat(report(GPU, twice).bound(twice).orElseThrow()).isCloseTo(1 / seconds, within(1e-9));
        assertThat(report(GPU, twice).shareOfBound(twice).orElseThrow()).isCloseTo(7.5 * seconds, within(1e-9));
    }

    @Test
    void twoRoadsCarryWhatIsMissingTogetherAndOneAlone() {
        BenchResult shared = result(TG, Optional.of(SHARED), 1);
        double reading = (1000 + 4 * 2 * 100) / 1e6;
        // A token: 600 bytes copied, 1200 read by the CPU.
        assertThat(bound(ExpertMisses.AUTO, shared)).isCloseTo(1 / (1800 / 3e5 + reading), within(1e-9));
        assertThat(bound(ExpertMisses.CPU, shared)).isCloseTo(1 / (1200 / 2e5 + reading), within(1e-9));
        // Both roads were open, though one was used: 600 bytes at 3e5/s.
        BenchResult copied = result(TG, Optional.of(COST), 1);
        assertThat(bound(ExpertMisses.AUTO, copied)).isCloseTo(1 / (600 / 3e5 + reading), within(1e-9));
        assertThat(bound(ExpertMisses.FETCH, copied)).isCloseTo(1 / (600 / 1e5 + reading), within(1e-9));
    }

    private static double bound(ExpertMisses misses, BenchResult result) {
        return report(GPU, misses, Simulation.NONE, result).bound(result).orElseThrow();
    }

    @Test
    void noDivisionOfTheSameBytesBeatsTheBound() {
        Random random = new Random(8);
        for (int i = 0; i < 200; i++) {
            long up = random.nextLong(10_000);
            long read = random.nextLong(10_000);
            BenchResult result = result(TG, Optional.of(cost(up, new RoadCost(0, 1, 0, read, 0, 0))), 1);
            assertThat(bound(ExpertMisses.AUTO, result)).isGreaterThanOrEqualTo(bound(ExpertMisses.CPU, result));
        }
    }

    @Test
    void aSimulatedLinkIsTheCeilingUnlessTheRealOneIsSlower() {
        SystemInfo.GpuBandwidth gpu = new SystemInfo.GpuBandwidth(50, 49, 3000, 800);
        SystemInfo.RoadBandwidth both = new SystemInfo.RoadBandwidth(49, 90);
        assertThat(Ceilings.of(gpu, 1e11, both, simulated(12e9)).link()).hasValue(12e9);
        assertThat(Ceilings.of(gpu, 1e11, both, simulated(12e9)).roads()).hasValue(112e9);
        assertThat(Ceilings.of(gpu, 1e11, both, simulated(80e9)).link()).hasValue(50e9);
        assertThat(Ceilings.of(gpu, 1e11, both, Simulation.NONE))
                .isEqualTo(new Ceilings(
                        3e12,
                        OptionalDouble.of(50e9),
                        OptionalDouble.of(8e14),
                        OptionalDouble.of(1e11),
                        OptionalDouble.of(139e9)));
    }

    private static Simulation simulated(double link) {
        return new Simulation(OptionalDouble.of(link), OptionalInt.of(4));
    }

    @Test
    void aSimulatedFigureIsRecognisableInEveryFormat() {
        BenchResult result = result(TG, Optional.of(SHARED), 1);
        BenchReport report = report(GPU, ExpertMisses.AUTO, simulated(12e9), result);
        assertThat(MarkdownReport.of(report))
                .contains("simulated, not this machine: a link of 12.0 GB/s, 4 CPU threads\n")
                .contains("| cuda, simulated |");
        JsonNode object = JsonMapper.shared().readTree(JsonReport.of(report));
        assertThat(object.path("simulated_link_bytes_per_second").asDouble()).isEqualTo(12e9);
        assertThat(object.path("simulated_threads").asInt()).isEqualTo(4);
        assertThat(object.path("misses").asString()).isEqualTo("auto");
        assertThat(CsvReport.of(report).lines().toList())
                .satisfiesExactly(
                        names -> assertThat(names).endsWith("misses,simulated_link_bytes_per_second,simulated_threads"),
                        values -> assertThat(values).endsWith("auto,1.2E10,4"));
        BenchReport real = report(GPU, result);
        assertThat(MarkdownReport.of(real) + CsvReport.of(real).lines().toList().getLast())
                .doesNotContain("simulated");
        assertThat(JsonMapper.shared()
                        .readTree(JsonReport.of(real))
                        .path("simulated_link_bytes_per_second")
                        .isNull())
                .isTrue();
    }

    @Test
    void withoutFetchingAllLayersOnlyHit() {
        BenchResult result = result(TG, Optional.empty(), 1);
        assertThat(report(CPU, result).bound(result).orElseThrow())
                .isCloseTo(1e6 / (1000 + 10 * 2 * 100), within(1e-9));
    }

    @Test
    void theBoundOfAPromptIsTheLongestOfItsThreeTimes() {
        // 100 tokens of 4e6 operations at 1e9/s: 0.4 s; 1000 + 10 * 8 * 100 bytes read: 0.009 s.
        BenchResult computing = result(PP, Optional.empty(), 1);
        assertThat(report(GPU, computing).bound(computing).orElseThrow()).isCloseTo(100 / 0.4, within(1e-9));
        FetchCost much = new FetchCost(1, 0, 0, 80_000, 0, RoadCost.NONE, Optional.empty());
        BenchResult fetching = result(PP, Optional.of(much), 1, 1);
        assertThat(report(GPU, fetching).bound(fetching).orElseThrow()).isCloseTo(100 / 0.8, within(1e-9));
        Ceilings fastCores = new Ceilings(
                1e6, OptionalDouble.of(1e5), OptionalDouble.of(1e15), OptionalDouble.empty(), OptionalDouble.empty());
        assertThat(report(fastCores, computing).bound(computing).orElseThrow()).isCloseTo(100 / 0.009, within(1e-6));
        assertThat(report(CPU, computing).bound(computing)).isEmpty();
    }

    @Test
    void theTableIsWhatUsersOfLlamaBenchKnow() {
        String text = MarkdownReport.of(
                report(GPU, result(PP, Optional.empty(), 1, 1), result(TG, Optional.of(SHARED), 1, 2)));
        assertThat(text.lines())
                .containsExactly(
                        "machine: a machine; cuda (a \"fake\", 1 GPU)",
                        "ceilings: 0.0 GB/s memory read, 0.0 GB/s over the link, 0.0 GB/s host memory read, 0.0 GB/s both at once, 0 TFLOP/s",
                        "routing: 0.7",
                        "options: host mode exclusive, prefetch 2",
                        "",
                        "| model | size | backend | GPU budget | test | hits | t/s | bound t/s | of bound |",
                        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
                        "| fake | 0.01 MiB | cuda | 1.50 GiB | pp100 | – | 100.00 ± 0.00 | 250.0 | 40.0 % |",
                        "| fake | 0.01 MiB | cuda | 1.50 GiB | tg10 | 0.700 | 7.50 ± 3.54 | 128.2 | 5.9 % |",
                        "",
                        "| test | copied MB | CPU read MB | fetched | split | computed | both GB/s | link use | host memory use | CPU busy | CPU wait ms |",
                        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
                        "| tg10 | 0.0 | 0.0 | 1.00 | 2.00 | 3.00 | 0.0 | 4.0 % | 4.0 % | 33.3 % | 12.500 |",
                        "",
                        "| test | link busy | GPU busy | attention ms | router ms | experts ms | copy wait ms | CPU wait ms | host wait ms |",
                        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
                        "| tg10 | 16.7 % | 8.3 % | 1.000 | 2.000 | 9.500 | 20.000 | 10.000 | 5.000 |");
        assertThat(MarkdownReport.of(report(CPU, result(PP, Optional.empty(), 1))))
                .doesNotContain("hits")
                .doesNotContain("busy");
    }

    @Test
    void csvHasAsManyFieldsInEveryLineAndQuotesWhatNeedsIt() {
        List<String> lines = CsvReport.of(
                        report(GPU, result(PP, Optional.empty(), 1), result(TG, Optional.of(COST), 1)))
                .lines()
                .toList();
        assertThat(lines).hasSize(3);
        assertThat(lines.getFirst()).startsWith("model,").doesNotContain("\"");
        int fields = lines.getFirst().split(",", -1).length;
        for (String line : lines.subList(1, 3)) {
            assertThat(line).contains("\"cuda (a \"\"fake\"\", 1 GPU)\"");
            assertThat(line.replaceAll("\"cuda.*?GPU\\)\"", "device").split(",", -1))
                    .hasSize(fields);
        }
    }

    @Test
    void jsonHasEverySampleAndTheMedian() {
        JsonNode object =
                JsonMapper.shared().readTree(JsonReport.of(report(GPU, result(TG, Optional.of(SHARED), 1, 10, 2))));
        assertThat(object.path("model").asString()).isEqualTo("fake");
        assertThat(object.path("gpu_memory").asLong()).isEqualTo(3L << 29);
        assertThat(object.path("host_memory").asLong()).isEqualTo(7);
        assertThat(object.path("ceilings").path("link_bytes_per_second").asDouble())
                .isEqualTo(1e5);
        JsonNode test = object.path("results").get(0);
        assertThat(test.path("test").asString()).isEqualTo("tg10");
        assertThat(test.path("samples")).extracting(JsonNode::asDouble).containsExactly(10.0, 1.0, 5.0);
        assertThat(test.path("median").asDouble()).isEqualTo(5);
        assertThat(test.path("mean").asDouble()).isCloseTo(16 / 3.0, within(1e-9));
        assertThat(test.path("bytes_to_gpu_per_token").asDouble()).isEqualTo(600);
        assertThat(test.path("link_busy").asDouble()).isCloseTo(0.75 / 13, within(1e-9));
        assertThat(test.path("gpu_busy").asDouble()).isCloseTo(0.375 / 13, within(1e-9));
        assertThat(test.path("waiting_seconds_per_token").asDouble()).isCloseTo(0.02, within(1e-9));
        assertThat(test.path("cpu_seconds_per_token").asDouble()).isCloseTo(0.01, within(1e-9));
        assertThat(test.path("bytes_computed_per_token").asDouble()).isEqualTo(1200);
        assertThat(test.path("experts_computed_per_token").asDouble()).isEqualTo(3);
        assertThat(test.path("computing_seconds_per_token").asDouble()).isCloseTo(0.05, within(1e-9));
        assertThat(test.path("cpu_waited_seconds_per_token").asDouble()).isCloseTo(0.0125, within(1e-9));
        // In 13 seconds 18000 bytes copied and 36000 read, of 1e5 and 2e5 a second.
        assertThat(test.path("roads_bytes_per_second").asDouble()).isCloseTo(54_000 / 13.0, within(1e-9));
        assertThat(test.path("link_use").asDouble()).isCloseTo(0.18 / 13, within(1e-9));
        assertThat(test.path("host_memory_use").asDouble()).isCloseTo(0.18 / 13, within(1e-9));
        assertThat(test.path("cpu_busy").asDouble()).isCloseTo(1.5 / 13, within(1e-9));
        assertThat(object.path("ceilings").path("host_bytes_per_second").asDouble())
                .isEqualTo(2e5);
        JsonNode cpu = JsonMapper.shared().readTree(JsonReport.of(report(CPU, result(PP, Optional.empty(), 1))));
        assertThat(cpu.path("results").get(0).path("bound").isNull()).isTrue();
        assertThat(cpu.path("results").get(0).path("hit_ratio").isNull()).isTrue();
        assertThat(cpu.path("results").get(0).path("link_busy").isNull()).isTrue();
    }

    @Test
    void samplesAgreeWithTheirDefinitions() {
        Samples three = new Samples(List.of(1.0, 4.0, 7.0));
        assertThat(List.of(three.mean(), three.deviation(), three.median())).containsExactly(4.0, 3.0, 4.0);
        assertThat(new Samples(List.of(5.0)).deviation()).isZero();
        assertThat(new Samples(List.of(1.0, 2.0)).median()).isEqualTo(1.5);
        Random random = new Random(3);
        for (int i = 0; i < 50; i++) {
            List<Double> values = random.doubles(1 + random.nextInt(9)).boxed().toList();
            Samples samples = new Samples(values);
            long below =
                    values.stream().filter(value -> value < samples.median()).count();
            long above =
                    values.stream().filter(value -> value > samples.median()).count();
            assertThat(below).isEqualTo(above);
        }
    }
}
