package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.gatun.SystemInfo;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CommandLineTest {
    static final String DEMO =
            Path.of(System.getProperty("gatun.demo"), "hqq-small").toString();

    @TempDir
    private Path temporary;

    record Result(int code, String out, String err) {}

    static Result run(byte[] input, boolean terminal, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new ByteArrayInputStream(input),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                terminal,
                false);
        int code = GatunCommand.execute(console, new AtomicBoolean(), arguments);
        return new Result(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Result run(String... arguments) {
        return run(new byte[0], true, arguments);
    }

    @Test
    void textGoesToStandardOutputAndNothingElseDoes() {
        Result result = run(
                "generate", "-m", DEMO, "-p", "Once upon a time", "-n", "12", "--temperature", "0", "--backend", "cpu");
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith(" ").endsWith("\n").doesNotContain("tokens/s");
        assertThat(result.err().lines().toList()).hasSize(2);
        assertThat(result.err())
                .startsWith("hqq-small (")
                .contains("on cpu (")
                .contains("tokens/s")
                .contains("seed");
    }

    @Test
    void quietSaysNothingButTheText() {
        Result result = run("generate", "-m", DEMO, "-p", "Once", "-n", "3", "-q");
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).isNotEmpty();
    }

    @Test
    void jsonIsOneObjectWithTheSameText() {
        String[] common = {
            "generate", "-m", DEMO, "-p", "Once upon a time", "-n", "12", "--seed", "4", "-q", "--backend", "cpu"
        };
        Result plain = run(common);
        String[] withJson = java.util.Arrays.copyOf(common, common.length + 1);
        withJson[common.length] = "--json";
        JsonNode object = JsonMapper.shared().readTree(run(withJson).out());
        assertThat(object.path("text").asString() + "\n").isEqualTo(plain.out());
        assertThat(object.path("seed").asInt()).isEqualTo(4);
        assertThat(object.path("generated_tokens").asInt()).isEqualTo(12);
        assertThat(object.path("stop_reason").asString()).isEqualTo("max_tokens");
        assertThat(object.path("backend").asString()).isEqualTo("cpu");
    }

    @Test
    void aPromptMayComeFromAFileOrStandardInput() throws IOException {
        Path file = Files.writeString(temporary.resolve("prompt.txt"), "Zoë went home");
        String[] options = {"generate", "-m", DEMO, "-n", "8", "--temperature", "0", "-q"};
        String fromArgument = run(with(options, "-p", "Zoë went home")).out();
        assertThat(run(with(options, "-f", file.toString())).out()).isEqualTo(fromArgument);
        byte[] bytes = "Zoë went home".getBytes(StandardCharsets.UTF_8);
        assertThat(run(bytes, false, options).out()).isEqualTo(fromArgument);
        assertThat(run(bytes, true, with(options, "-f", "-")).out()).isEqualTo(fromArgument);
    }

    static String[] with(String[] options, String... more) {
        return java.util.stream.Stream.of(options, more)
                .flatMap(java.util.stream.Stream::of)
                .toArray(String[]::new);
    }

    @Test
    void chatAnswersInTheModelsFormat() {
        Result result = run(
                "generate",
                "-m",
                DEMO,
                "--chat",
                "-p",
                "Tell me a story about a fox and a crow.",
                "-n",
                "5",
                "--json",
                "-q");
        assertThat(JsonMapper.shared()
                        .readTree(result.out())
                        .path("prompt_tokens")
                        .asInt())
                .isEqualTo(17);
    }

    @Test
    void aPromptMayBeginWithAnAt() {
        Result result = run("generate", "-m", DEMO, "-p", "@king", "-n", "2", "-q", "--echo");
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith("@king");
    }

    @Test
    void echoPutsThePromptBeforeTheText() {
        Result result = run("generate", "-m", DEMO, "-p", "Once upon", "-n", "3", "-q", "--echo");
        assertThat(result.out()).startsWith("Once upon ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    generate -m /nowhere -p x                 | /nowhere
                    generate -m DEMO                          | -p PROMPT
                    generate -m DEMO -p x --temperature NaN   | temperature: NaN
                    generate -m DEMO -p x --temperature hot   | --temperature
                    generate -m DEMO -p x --top-p 0           | top-p: 0
                    generate -m DEMO -p x -n -4               | max tokens: -4
                    generate -m DEMO -p x --threads -1        | threads: -1
                    generate -m DEMO -p x -c 4096             | 2048
                    generate -m DEMO -p one.two.three -c 3    | context of 3
                    generate -m DEMO -p x --backend tpu       | --backend
                    generate -m DEMO -f /nowhere.txt          | /nowhere.txt
                    generate -m DEMO -p a\uFFFDb              | use -f FILE
                    generate -m DEMO -p x -f y                | mutually exclusive
                    generate -m DEMO -p x --nonsense          | --nonsense
                    generate -m DEMO -p x --trace /nowhere/t  | /nowhere/t
                    generate -m DEMO -p x --gpu-memory 12     | is not a size such as 12GiB
                    generate -m DEMO -p x --prefetch 4        | prefetch: 4
                    generate -m DEMO -p x --prefetch -1       | prefetch: -1
                    generate -m DEMO -p x --most-experts -1   | most experts: -1
                    generate -m DEMO -p x --misses drop       | --misses
                    generate -m DEMO -p x --deterministic --misses auto | --deterministic: with --misses auto
                    generate -m DEMO -p x --misses cpu --deterministic  | --deterministic: with --misses cpu
                    bench -m DEMO --deterministic --misses cpu | --deterministic: with --misses cpu
                    generate -m DEMO -p x --policy best       | --policy
                    generate -m DEMO -p x --policy fixed      | --placement FILE
                    generate -m DEMO -p x --placement /nowhere | /nowhere
                    generate -m DEMO -p x --placement /nowhere --policy lru | --policy fixed
                    generate -m DEMO -p x --host-mode both    | --host-mode
                    generate -m DEMO -p x --slots some        | --slots
                    plan                                      | --shape
                    plan --shape mixtral-9x9b                 | mixtral-8x22b
                    plan --shape mixtral-8x7b                 | --gpu-memory 12GiB
                    plan -m /nowhere --gpu-memory 1GiB        | /nowhere
                    plan -m DEMO --shape mixtral-8x7b         | gatun: --model=DIR, --shape=NAME are mutually exclusive
                    plan --shape mixtral-8x7b --bits 4        | bits: 4
                    plan --shape mixtral-8x7b --gpu-memory 12 | is not a size such as 12GiB
                    plan --shape mixtral-8x7b --link 52GB     | is not a rate such as 52GB/s
                    plan --shape mixtral-8x7b --dram 52       | is not a rate such as 52GB/s
                    plan --shape mixtral-8x7b --cpu fast      | --cpu
                    plan --shape mixtral-8x7b --gpu-memory 9GiB --deterministic --misses cpu | --deterministic: with
                    plan --shape mixtral-8x7b --gpu-memory 9GiB -c 99999          | 32768
                    plan --shape mixtral-8x7b --gpu-memory 2GiB -c 32768          | --gpu-memory 5.7GiB
                    plan --shape mixtral-8x7b --gpu-memory 12GiB --host-memory 1GB | --host-memory
                    plan --shape hidden=4096,ffn=1024 --gpu-memory 9GiB           | layers, experts, top
                    plan --shape mixtral-8x7b --gpu-memory 9GiB --host-mode both  | --host-mode
                    plan --shape mixtral-8x7b --gpu-memory 9GiB --host-memory 12GiB --host-mode inclusive | 256 experts
                    plan --shape mixtral-8x7b --gpu-memory 9GiB --most-experts -1 | most experts: -1
                    plan -m DEMO --gpu-memory 1MiB            | --gpu-memory
                    plan --shape mixtral-8x7b --gpu-memory 2.7GiB --host-mode exclusive | --gpu-memory 2.8GiB
                    bench -m DEMO -p -1                       | prompt: -1
                    bench -m DEMO -p 0 -n 0                   | --prompt or --generate
                    bench -m DEMO -p 2147483647               | prompt: 2147483647
                    bench -m DEMO -n 2147483647               | generate: 2147483647
                    bench -m DEMO --warmup 2147483647         | warm-up: 2147483647
                    bench -m DEMO -c -5 -p 4 -n 0             | context length: -5
                    bench --synthetic mixtral-8x7b --backend cpu | backend: synthetic
                    bench --synthetic mixtral-8x7b --one-way --host-mode inclusive | --host-mode exclusive
                    bench -m DEMO -p 8,x                      | --prompt
                    bench -m DEMO -r 0                        | repetitions: 0
                    bench -m DEMO -p 4000                     | 2048
                    bench -m DEMO -p 64 -c 50                 | longer --context
                    bench -m DEMO -o xml                      | --output
                    bench -m DEMO --bits 3.0                  | --synthetic
                    bench -m DEMO --routing uniform           | --synthetic
                    bench -m DEMO --one-way                   | --one-way
                    bench -m DEMO --simulate-link 12          | is not a rate such as 52GB
                    bench -m DEMO --simulate-link 0GB/s       | is not a rate such as
                    bench -m DEMO --backend cpu --simulate-link 12GB/s | --simulate-link: nothing is copied
                    bench -m DEMO --simulate-threads 0        | --simulate-threads: 0
                    bench -m DEMO --simulate-threads 2000     | --simulate-threads: 2000
                    bench -m DEMO --simulate-threads 2 --threads 3 | --simulate-threads: --threads
                    generate -m DEMO -p x --simulate-link 12GB/s | --simulate-link
                    bench -m /nowhere                         | /nowhere
                    bench --synthetic mixtral-9x9b            | mixtral-8x22b
                    bench --synthetic hidden=4                | ffn, layers
                    bench --synthetic mixtral-8x7b --bits 4   | bits: 4
                    bench --synthetic mixtral-8x7b --routing 2 | routing: a hit ratio of 2
                    bench --synthetic mixtral-8x7b -m DEMO    | mutually exclusive
                    bench --synthetic mixtral-8x7b --prefetch 9 | prefetch: 9
                    trace                                     | FILE
                    trace /nowhere.jsonl                      | /nowhere.jsonl
                    nonsense                                  | nonsense
                    """)
    void aMistakeIsOneLineThatNamesItAndExitCodeTwo(String arguments, String named) {
        requireMistake(arguments, named);
    }

    static void requireMistake(String arguments, String named) {
        Result result = run(arguments.replace("DEMO", DEMO).split(" +"));
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()
                        .lines()
                        .filter(line -> line.startsWith("gatun: "))
                        .toList())
                .singleElement()
                .asString()
                .contains(named);
        assertThat(result.err()).doesNotContain("\tat ");
    }

    @Test
    void aPlanSaysWhatGoesWhereAndHowFastThatIs() {
        Result result = run(
                "plan",
                "--shape",
                "mixtral-8x7b",
                "--gpu-memory",
                "12GiB",
                "-c",
                "4096",
                "--link",
                "54.8GB/s",
                "--misses",
                "fetch");
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
        assertThat(result.out())
                .contains("156 of 256 experts, 4 or 5 a layer")
                .containsPattern("keys and values +537 MB +4096 tokens")
                .containsPattern("trunk +978 MB +attention, routers, norms, head")
                .containsPattern("host memory +17.26 GB +pinned")
                .containsPattern("embeddings +262 MB")
                .containsPattern("experts +17.00 GB +every expert, pinned")
                .containsPattern("hit ratio +0.609")
                .containsPattern("misses +25.0 +a token")
                .containsPattern("fetched +1.66 GB +at 54.80 GB/s: 30.30 ms")
                .doesNotContain("by the CPU")
                .doesNotContain("alone")
                .doesNotContain("not pinned")
                .containsPattern("CUDA +419 MB")
                .containsPattern("besides +[0-9.]+ ms +a layer 37 µs for its trunk and 20 for its experts")
                .containsPattern("tokens/s +32.2 +at most")
                .containsPattern("[0-9.]+ +to expect");
        assertThat(run("plan", "--shape", "mixtral-8x7b", "--gpu-memory", "24GiB", "--most-experts", "128")
                        .out())
                .contains("128 of 256 experts, 4 a layer")
                .containsPattern("experts +17.00 GB +every expert, pinned")
                .containsPattern("\\Rbeside it +176 MB +not pinned, at most: ");
        String smaller = run("plan", "--shape", "mixtral-8x7b", "--bits", "2.53", "--gpu-memory", "16GiB", "-c", "4096")
                .out();
        assertThat(smaller)
                .contains("256 of 256 experts, 8 a layer")
                .containsPattern("host memory +0.0 MB +every expert is on the GPU");
        assertThat(run("plan", "-m", DEMO, "--gpu-memory", "1GiB").out())
                .contains("hqq-small: 5 layers of 8 experts")
                .contains("40 of 40 experts");
    }

    @Test
    void aPlanSaysWhatEachRoadCarriesAndWouldAlone() {
        String[] plan = {
            "plan",
            "--shape",
            "mixtral-8x7b",
            "--gpu-memory",
            "12GiB",
            "-c",
            "4096",
            "--link",
            "60GB/s",
            "--dram",
            "100GB/s"
        };
        String both = run(plan).out();
        // 1.66 GB; of each 13 parts about 6 over the link.
        assertThat(both)
                .containsPattern("(?m)^  fetched +7\\d\\d MB +at 60.00 GB/s: 1[123]\\.\\d+ ms$")
                .containsPattern("(?m)^  by the CPU +(9\\d\\d MB|1.[01]\\d GB) +at 70.00 GB/s: 1[345]\\.\\d+ ms$");
        assertThat(rate(both, "  link alone"))
                .isEqualTo(rate(run(with(plan, "--deterministic")).out(), ""));
        assertThat(rate(both, "  CPU alone"))
                .isEqualTo(rate(run(with(plan, "--misses", "cpu")).out(), ""));
        assertThat(rate(both, "")).isGreaterThan(Math.max(rate(both, "  link alone"), rate(both, "  CPU alone")));
        assertThat(rate(run(with(plan, "--cpu", "140GB/s")).out(), "  CPU alone"))
                .isGreaterThan(rate(both, "  CPU alone"));
        assertThat(run("plan", "--shape", "mixtral-8x7b", "--gpu-memory", "24GiB")
                        .out())
                .doesNotContain("alone", "by the CPU");
    }

    /** The tokens a second to expect in a line of a plan, which begins so. */
    private static double rate(String plan, String name) {
        Matcher line = Pattern.compile("(?m)^" + name + " +(\\d+\\.\\d) +(to expect|with --misses \\w+)$")
                .matcher(plan);
        assertThat(line.find()).as(plan).isTrue();
        return Double.parseDouble(line.group(1));
    }

    @Test
    void aBenchmarkIsATableWithWhatTheMachineAllows() {
        String[] bench = {"bench", "-m", DEMO, "--backend", "cpu", "-p", "16,32", "-n", "4", "-r", "2", "--warmup", "2"
        };
        Result result = run(bench);
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
        assertThat(result.out())
                .containsPattern("(?m)^machine: .*; cpu \\(")
                .containsPattern("(?m)^ceilings: [1-9].* GB/s memory read$")
                .containsPattern(
                        "\\| hqq-small \\| 6.82 MiB \\| cpu \\| – \\| pp16 \\| [1-9][0-9.]* ± [0-9.]+ \\| – \\| – \\|")
                .containsPattern("\\| pp32 \\|")
                .containsPattern("\\| tg4 \\| [1-9][0-9.]* ± [0-9.]+ \\| [1-9][0-9.]* \\| [0-9.]+ % \\|");
        JsonNode object =
                JsonMapper.shared().readTree(run(with(bench, "-o", "json")).out());
        assertThat(object.path("results")).hasSize(3);
        assertThat(object.path("results").get(2).path("samples")).hasSize(2);
        assertThat(run(with(bench, "-o", "csv")).out().lines()).hasSize(4);
        // The CPU fetches nothing.
        assertThat(run(with(bench, "--stats")).out()).contains("| tg4 |").doesNotContain("busy");
    }

    @Test
    void aReportNamesTheOptionsThatAreNotTheDefaults() {
        String[] bench = {"bench", "-m", DEMO, "--backend", "cpu", "-p", "0", "-n", "2", "-r", "1", "--warmup", "0"};
        assertThat(run(bench).out()).doesNotContain("options:");
        String[] changed = {
            "--host-mode",
            "exclusive",
            "--policy",
            "lfu",
            "--slots",
            "pool",
            "--prefetch",
            "2",
            "--most-experts",
            "12",
            "--misses",
            "cpu"
        };
        assertThat(run(with(bench, changed)).out().lines())
                .contains(
                        "options: host mode exclusive, policy lfu, slots pool, prefetch 2, most experts 12, misses cpu");
        assertThat(run(with(bench, "--misses", "auto")).out()).doesNotContain("options:");
        for (String[] fetching :
                List.of(new String[] {"--deterministic"}, new String[] {"--misses", "fetch"}, new String[] {
                    "--deterministic", "--misses", "fetch"
                })) {
            assertThat(run(with(bench, fetching)).out().lines()).contains("options: misses fetch");
        }
    }

    @Test
    void aReportSaysWhatIsSimulated() {
        String[] bench = {"bench", "-m", DEMO, "--backend", "cpu", "-p", "0", "-n", "2", "-r", "1", "--warmup", "0"};
        assertThat(run(bench).out()).doesNotContain("simulated");
        Result result = run(with(bench, "--simulate-threads", "1"));
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .contains("simulated, not this machine: 1 CPU thread\n")
                .containsPattern("(?m)^machine: .*; cpu \\(.*1 thread")
                .contains("| cpu, simulated |");
        assertThat(run(with(bench, "--simulate-threads", "1", "-o", "json")).out())
                .contains("\"simulated_threads\":1");
    }

    @Test
    void withoutAGpuASyntheticModelIsRefusedInOneLine() {
        boolean available = SystemInfo.backends().stream()
                .anyMatch(backend -> backend.name().equals("cuda") && backend.available());
        assumeThat(available).as("a GPU").isFalse();
        Result result = run("bench", "--synthetic", "mixtral-8x7b", "--routing", "real-text", "--gpu-memory", "12GiB");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err().lines())
                .singleElement()
                .asString()
                .startsWith("gatun: synthetic: such models run on a GPU");
    }

    @Test
    void aTraceIsRecordedAndReplayed() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        String[] generate = {"generate", "-m", DEMO, "-p", "Once upon a time", "-n", "30", "--seed", "2", "-q"};
        String text = run(generate).out();
        assertThat(run(with(generate, "--trace", file.toString())).out()).isEqualTo(text);
        Path page = temporary.resolve("curves.html");
        Result result = run("trace", file.toString(), "--html", page.toString());
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
        List<String> lines = result.out().lines().toList();
        // Hit ratios; a gap, and recall by chance and 1 to 3 layers ahead; a gap, and what guesses were worth.
        assertThat(lines).hasSize((3 + 8) + (1 + 6) + (1 + 4 + 12));
        assertThat(lines.get(11)).isEmpty();
        assertThat(lines.get(14)).matches("chance +0\\.125 +0\\.250 .* 1\\.000");
        for (int ahead = 1; ahead <= 3; ahead++) {
            assertThat(recall(lines.get(14 + ahead))).hasSize(8).isSorted().endsWith(1.0);
        }
        assertThat(recall(lines.get(15)).get(1)).isGreaterThan(0.6);
        assertThat(lines.getFirst()).startsWith("hqq-small: 5 layers of 8 experts, 2 per token");
        assertThat(lines.get(3)).startsWith("1       0.125");
        assertThat(lines.get(2).split(" +")).containsSequence("lru", "lfu", "fifo", "fixed", "best", "lru", "lfu");
        assertThat(Files.readString(page))
                .contains("<svg")
                .contains("lru, pool")
                .contains("1 layer ahead");
        List<String> byLayer =
                run("trace", file.toString(), "--by-layer").out().lines().toList();
        assertThat(byLayer).hasSize(lines.size() + 4 + 3 + 2).containsAll(lines);
    }

    private static List<Double> recall(String row) {
        return Stream.of(row.substring(17).trim().split(" +"))
                .map(Double::valueOf)
                .toList();
    }

    @Test
    void aTraceMayDoWithoutGuesses() {
        Path file = temporary.resolve("trace.jsonl");
        String[] generate = {"generate", "-m", DEMO, "-p", "Once upon a time", "-n", "5", "-q"};
        assertThat(run(with(generate, "--trace", file.toString(), "--trace-guesses", "0"))
                        .code())
                .isZero();
        assertThat(run("trace", file.toString()).out()).doesNotContain("recall");
        Result refused = run("trace", file.toString(), "--by-layer");
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("has no guesses");
        assertThat(run(with(generate, "--trace", file.toString(), "--trace-guesses", "-1"))
                        .err())
                .contains("guesses: -1");
        assertThat(run(with(generate, "--trace-guesses", "2")).err()).contains("no --trace FILE");
    }

    @Test
    void aTraceThatWasCutOffIsRefused() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        run("generate", "-m", DEMO, "-p", "Once upon a time", "-n", "5", "-q", "--trace", file.toString());
        String whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, whole.length() - 20));
        Result result = run("trace", file.toString());
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err().lines()).singleElement().asString().contains("line 11", "cut off");
    }

    @Test
    void picturesOfATraceGoToAnotherFileInAFolderThatIsThere() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        run("generate", "-m", DEMO, "-p", "Once upon a time", "-n", "5", "-q", "--trace", file.toString());
        String recorded = Files.readString(file);
        Result same = run("trace", file.toString(), "--html", file.toString());
        assertThat(same.code()).isEqualTo(2);
        assertThat(same.err().lines()).singleElement().asString().endsWith("name another file");
        assertThat(Files.readString(file)).isEqualTo(recorded);
        Result nowhere = run("trace", file.toString(), "--html", "/nowhere/curves.html");
        assertThat(nowhere.code()).isEqualTo(2);
        assertThat(nowhere.err().lines()).singleElement().asString().endsWith("there is no such folder");
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                GatunCommand.class,
                GenerateCommand.class,
                BenchCommand.class,
                PlanCommand.class,
                TraceCommand.class
            })
    void examplesAndNotesOfAHelpTextFitATerminal(Class<?> command) {
        assertThat(command.getAnnotation(Command.class).footer())
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    @Test
    void whatAGenerationCostIsATableOnStandardError() {
        Result result =
                run("generate", "-m", DEMO, "-p", "Once upon a time", "-n", "12", "--stats", "-q", "--ignore-eos");
        assertThat(result.code()).isZero();
        assertThat(result.err())
                .containsPattern("(?m)^tokens +6 +11$")
                .containsPattern("(?m)^tokens/s +[1-9][0-9.]* +[1-9][0-9.]*$")
                .containsPattern("(?m)^time to first token +[0-9.]+ ms$");
        // The CPU fetches nothing.
        assertThat(result.err().lines()).hasSize(4);
    }

    @Test
    void offloadingOptionsChangeNoText() throws IOException {
        Path file = temporary.resolve("trace.jsonl");
        String[] generate = {"generate", "-m", DEMO, "-p", "Once upon a time", "-n", "20", "--seed", "2", "-q"};
        String text = run(with(generate, "--trace", file.toString())).out();
        assertThat(run(with(generate, "--gpu-memory", "1GiB", "--host-memory", "1GiB", "--policy", "lfu"))
                        .out())
                .isEqualTo(text);
        assertThat(run(with(generate, "--placement", file.toString(), "--slots", "pool", "--prefetch", "2"))
                        .out())
                .isEqualTo(text);
    }

    @Test
    void inputThatIsNotUtf8IsRefused() {
        Result result = run(new byte[] {'a', (byte) 0xff}, false, "generate", "-m", DEMO);
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("standard input is not UTF-8");
    }

    @Test
    void infoMeasuresTheGpuWhereThereIsOne() {
        boolean available = SystemInfo.backends().stream()
                .anyMatch(backend -> backend.name().equals("cuda") && backend.available());
        String link = "link +[1-9].* GB/s to the GPU, [1-9].* GB/s back";
        String memory = "gpu memory +[1-9].* GB/s read";
        assertThat(run("info").out().lines().filter(line -> line.matches(link + "|" + memory)))
                .hasSize(available ? 2 : 0);
    }

    @Test
    void helpVersionInfoAndCompletionWork() {
        assertThat(run("--help").out()).contains("generate").contains("info").contains("Examples:");
        assertThat(run("generate", "--help").out())
                .contains("--temperature")
                .contains("Examples:")
                .contains("Exit status");
        assertThat(run("--version").out()).containsPattern("gatun \\d+\\.\\d+").contains("java 25");
        assertThat(run("info").out())
                .contains("backend cpu")
                .contains("backend cuda")
                .contains("cpu features")
                .containsPattern("(?m)^host memory +[1-9]\\d*(\\.\\d)? GB/s read by \\d+ threads?$");
        assertThat(run("generate-completion").out()).contains("gatun");
        assertThat(run().code()).isEqualTo(2);
    }
}
