package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.hub.FakeHub.Reply;
import dev.gatun.hub.FakeHub.Request;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class HubPullTest {
    private static final int PART = 100_000;
    private static final Pace QUICK =
            new Pace(4, Duration.ofMillis(1), Duration.ofSeconds(3), Duration.ofMillis(700), PART, 4);
    private static final String SECRET = "hf_neverToBeSeen";
    private static final ModelReference MODEL = ModelReference.parse(FakeModel.ID);
    private static final FileSelection NEEDED = new FileSelection.Needed();
    private static final String FIRST = "model-00001-of-00002.safetensors";

    @TempDir
    private Path temporary;

    private final FakeModel model = FakeModel.small(20261128);
    private FakeHub hub;

    @BeforeEach
    void start() throws IOException {
        hub = new FakeHub(model);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private HubSettings settings(Optional<AccessToken> token, boolean offline) {
        return new HubSettings(URI.create(hub.endpoint()), cache(), token, offline);
    }

    private Path cache() {
        return temporary.resolve("cache");
    }

    private HubPull pull() {
        return new HubPull(settings(Optional.empty(), false), QUICK);
    }

    private HubPull pullWithToken() {
        return new HubPull(settings(Optional.of(AccessToken.of(SECRET, "test")), false), QUICK);
    }

    private Path toCache() {
        return pull().toCache(MODEL, NEEDED, PullListener.NONE);
    }

    private void assertWhole(Path folder, String... names) throws IOException {
        for (String name : names) {
            assertThat(folder.resolve(name)).hasBinaryContent(model.files().get(name));
        }
    }

    private static List<Path> filesBelow(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(path -> !Files.isDirectory(path)).toList();
        }
    }

    @Test
    void aModelArrivesInTheLayoutThatOtherToolsUse() throws IOException {
        Path folder = toCache();
        Path root = cache().resolve("models--owner--tiny-model");
        assertThat(folder).isEqualTo(root.resolve("snapshots").resolve(FakeModel.COMMIT));
        assertThat(root.resolve("refs/main")).hasContent(FakeModel.COMMIT);
        String[] needed = {"config.json", "empty.json", FIRST, "model-00002-of-00002.safetensors"};
        assertWhole(folder, needed);
        for (String name : needed) {
            Path link = Files.readSymbolicLink(folder.resolve(name));
            String blob = FakeModel.blobName(name, model.files().get(name));
            assertThat(link).hasToString("../../blobs/" + blob);
        }
        assertThat(filesBelow(folder)).hasSize(needed.length);
        assertThat(filesBelow(root.resolve("blobs"))).hasSize(needed.length);
    }

    @Test
    void allFilesOrThoseOfAPatternMayBeAskedFor() throws IOException {
        Path all = pull().toCache(MODEL, new FileSelection.All(), PullListener.NONE);
        assertWhole(all, model.files().keySet().toArray(String[]::new));
        assertThat(Files.readSymbolicLink(all.resolve("onnx/with space.json")).toString())
                .startsWith("../../../blobs/");
        Path some = pull().toFolder(
                        MODEL,
                        new FileSelection.Matching(List.of("*.md", "onnx/*")),
                        temporary.resolve("some"),
                        PullListener.NONE);
        assertThat(some.resolve("README.md")).exists();
        assertThat(some.resolve("onnx/with space.json")).exists();
        assertThat(some.resolve("config.json")).doesNotExist();
    }

    @Test
    void filesOfTheSameContentAreAllThere() throws IOException {
        FakeModel twins = FakeModel.withTwins(7);
        try (FakeHub twinHub = new FakeHub(twins)) {
            HubPull pull = new HubPull(
                    new HubSettings(URI.create(twinHub.endpoint()), cache(), Optional.empty(), false), QUICK);
            Path cached = pull.toCache(MODEL, NEEDED, PullListener.NONE);
            Path plain = pull.toFolder(MODEL, NEEDED, temporary.resolve("plain"), PullListener.NONE);
            for (String name : twins.files().keySet()) {
                assertThat(cached.resolve(name)).hasBinaryContent(twins.files().get(name));
                assertThat(plain.resolve(name)).hasBinaryContent(twins.files().get(name));
            }
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenIsOneLine() throws IOException {
        Path file = Files.writeString(temporary.resolve("file"), "x");
        assertThatThrownBy(() -> pull().toFolder(MODEL, NEEDED, file, PullListener.NONE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("cannot be stored")
                .hasMessageContaining(file.toString());
    }

    @Test
    void whatIsThereIsNotDownloadedAgain() throws IOException {
        toCache();
        Path folder = pull().toFolder(MODEL, NEEDED, temporary.resolve("plain"), PullListener.NONE);
        hub.forgetRequests();
        toCache();
        pull().toFolder(MODEL, NEEDED, folder, PullListener.NONE);
        assertThat(hub.requests()).allMatch(Request::isListing).hasSize(2);
    }

    @Test
    void aFileOfOtherContentIsReplaced() throws IOException {
        Path folder = Files.createDirectory(temporary.resolve("plain"));
        byte[] other = model.files().get(FIRST).clone();
        other[77]++;
        Files.write(folder.resolve(FIRST), other);
        pull().toFolder(MODEL, NEEDED, folder, PullListener.NONE);
        assertWhole(folder, FIRST);
    }

    @Test
    void theTokenIsSentToTheHubAloneAndLargeFilesComeInParts() {
        pullWithToken().toCache(MODEL, NEEDED, PullListener.NONE);
        assertThat(hub.requests())
                .filteredOn(request -> !request.isElsewhere())
                .isNotEmpty()
                .allMatch(
                        request -> ("Bearer " + SECRET).equals(request.headers().get("authorization")));
        assertThat(hub.requests())
                .filteredOn(Request::isElsewhere)
                .hasSize(10 + 4)
                .noneMatch(request -> request.headers().containsKey("authorization"))
                .noneMatch(request -> request.toString().contains(SECRET))
                .allMatch(request -> request.headers().containsKey("range"));
    }

    @Test
    void noMessageShowsTheTokenOrASignedAddress() {
        hub.answer(request -> request.isElsewhere() ? Optional.of(Reply.status(403)) : Optional.empty());
        assertThatThrownBy(() -> pullWithToken().toCache(MODEL, NEEDED, PullListener.NONE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("`localhost` answers 403")
                .satisfies(failure -> {
                    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                        assertThat(cause.toString()).doesNotContain(SECRET, "secret-signature");
                    }
                });
        assertThat(settings(Optional.of(AccessToken.of(SECRET, "test")), false).toString())
                .doesNotContain(SECRET);
    }

    @Test
    void cutConnectionsAreContinuedWhereverTheyAreCut() throws IOException {
        Random random = new Random(20261128);
        Set<String> cut = ConcurrentHashMap.newKeySet();
        hub.answer(request -> {
            if (!request.isElsewhere() || !cut.add(request.target() + part(request))) {
                return Optional.empty();
            }
            Reply whole = hub.usual(request);
            return Optional.of(whole.cutAfter(random.nextInt(whole.body().length)));
        });
        assertWhole(toCache(), FIRST, "model-00002-of-00002.safetensors");
        assertThat(cut).hasSize(14);
        assertThat(hub.requests()).filteredOn(Request::isElsewhere).hasSize(2 * 14);
    }

    private static int part(Request request) {
        return from(request) / PART;
    }

    private static int from(Request request) {
        return Integer.parseInt(
                request.headers().getOrDefault("range", "bytes=0-").replaceAll("bytes=(\\d+)-.*", "$1"));
    }

    @Test
    void aSilentConnectionIsGivenUpAndContinued() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        hub.answer(request -> request.isElsewhere() && asked.incrementAndGet() == 3
                ? Optional.of(hub.usual(request).cutAfter(5_000).silentFor(60_000))
                : Optional.empty());
        assertWhole(toCache(), FIRST);
    }

    @Test
    void aServerThatKnowsNoPiecesServesToo() throws IOException {
        hub.answer(request -> request.isElsewhere()
                ? Optional.of(hub.usual(new Request(request.target(), Map.of("host", "localhost"))))
                : Optional.empty());
        assertWhole(toCache(), FIRST, "model-00002-of-00002.safetensors");
    }

    @Test
    void aPieceThatWasNotAskedForIsRefused() {
        hub.answer(request -> request.isElsewhere()
                ? Optional.of(hub.usual(request).with("Content-Range", "bytes 5-9/1000000"))
                : Optional.empty());
        assertThatThrownBy(this::toCache).hasMessageContaining("another piece");
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void aBusyServerIsAskedAgain(int status) throws IOException {
        Set<String> refused = ConcurrentHashMap.newKeySet();
        hub.answer(request -> refused.add(request.target() + part(request))
                ? Optional.of(Reply.status(status).with("Retry-After", "0"))
                : Optional.empty());
        assertWhole(toCache(), FIRST, "config.json");
    }

    @Test
    void theServersPauseIsKept() {
        AtomicInteger asked = new AtomicInteger();
        hub.answer(request -> asked.incrementAndGet() == 1
                ? Optional.of(Reply.status(429).with("Retry-After", "1"))
                : Optional.empty());
        long begun = System.nanoTime();
        toCache();
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void aPauseThatIsTooLongIsTold() {
        hub.answer(request -> Optional.of(Reply.status(429).with("Retry-After", "3600")));
        assertThatThrownBy(this::toCache)
                .isInstanceOf(HubException.class)
                .hasMessageContaining("too many requests")
                .hasMessageContaining("HF_TOKEN")
                .hasMessageContaining("3600 seconds");
        assertThat(hub.requests()).hasSize(1);
    }

    @Test
    void attemptsAreBounded() {
        hub.answer(request -> Optional.of(Reply.status(503)));
        assertThatThrownBy(this::toCache).hasMessageContaining("503, 4 times in a row");
        assertThat(hub.requests()).hasSize(4);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            401 | ''               | false | set HF_TOKEN
            401 | ''               | true  | does not accept the token
            403 | GatedRepo        | false | ask for it at
            403 | GatedRepo        | true  | ask for it at
            404 | RepoNotFound     | false | no such model
            404 | RevisionNotFound | false | no such revision
            400 | ''               | false | answers 400
            """)
    void aRefusalIsOneLineThatSaysWhatToDo(int status, String code, boolean token, String words) {
        hub.answer(request -> Optional.of(Reply.status(status).with("X-Error-Code", code)));
        HubPull pull = token ? pullWithToken() : pull();
        assertThatThrownBy(() -> pull.toCache(MODEL, NEEDED, PullListener.NONE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining(words)
                .hasMessageStartingWith("owner/tiny-model: ")
                .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("\n", SECRET));
        assertThat(hub.requests()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", FIRST})
    void wrongContentIsRefusedAndRemoved(String name) throws IOException {
        byte[] wrong = model.files().get(name).clone();
        wrong[wrong.length / 2] ^= 1;
        byte[] right = model.files().get(name);
        String place = model.largeHash(name).orElse(name);
        hub.answer(request -> {
            boolean hit = request.target().contains(place) && (request.isElsewhere() || !name.equals(FIRST));
            if (!hit) {
                return Optional.empty();
            }
            Reply usual = hub.usual(request);
            int from = from(request);
            return Optional.of(Reply.of(
                    usual.status(), usual.headers(), Arrays.copyOfRange(wrong, from, from + usual.body().length)));
        });
        assertThatThrownBy(this::toCache)
                .isInstanceOf(HubException.class)
                .hasMessageContaining("`" + name + "`")
                .hasMessageContaining("hash");
        String blob = FakeModel.blobName(name, right);
        assertThat(filesBelow(cache()))
                .noneMatch(path -> path.getFileName().toString().startsWith(blob));
        assertThat(new HubCache(cache()).find(MODEL)).isEmpty();
        hub.answerAsUsual();
        assertWhole(toCache(), name);
    }

    @Test
    void aFileOfAnotherLengthIsRefused() {
        hub.answer(request -> request.target().endsWith("/config.json")
                ? Optional.of(Reply.of(200, Map.of(), new byte[5]))
                : Optional.empty());
        assertThatThrownBy(this::toCache).hasMessageContaining("sends 5 bytes");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil.json",
                "..",
                ".",
                "",
                "/etc/evil.json",
                "a//b.json",
                "a/../../evil.json",
                "a/./b.json",
                "a\\..\\evil.json",
                "evil\u0000.json",
                "evil\n.json",
                "evil\u202e.json",
                "evil\u001b[31m.json",
                "folder/",
                ".cache/gatun/lock",
                "config.json",
                "config.json/below.json"
            })
    void aHostileNameEndsItBeforeAnythingIsWritten(String name) {
        model.siblings()
                .addObject()
                .put("rfilename", name)
                .put("size", 2)
                .put("blobId", "9e26dfeeb6e641a33dae4961196235bdb965b21b");
        for (Path root : List.of(cache(), temporary.resolve("plain"))) {
            assertThatThrownBy(() -> {
                        if (root.equals(cache())) {
                            pull().toCache(MODEL, new FileSelection.All(), PullListener.NONE);
                        } else {
                            pull().toFolder(MODEL, new FileSelection.All(), root, PullListener.NONE);
                        }
                    })
                    .isInstanceOf(HubException.class)
                    .hasMessageContaining("nothing was downloaded")
                    .satisfies(failure -> assertThat(failure.getMessage()).doesNotContain("\n", "\u001b", "\u202e"));
            assertThat(root).doesNotExist();
        }
        assertThat(hub.requests()).allMatch(Request::isListing);
    }

    @Test
    void aListingThatIsNoneIsRefused() {
        for (String json : List.of("<html>", "[]", "{}", "{\"sha\": \"../..\", \"siblings\": []}", "")) {
            hub.answerAsUsual();
            hub.answer(request -> Optional.of(Reply.of(200, Map.of(), json.getBytes(StandardCharsets.UTF_8))));
            assertThatThrownBy(this::toCache).as(json).isInstanceOf(HubException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({"size,-1", "size,9223372036854775807", "blobId,../../x", "blobId,ABCDEF"})
    void aListingWithoutUsableSizesAndHashesIsRefused(String field, String value) {
        ObjectNode entry = (ObjectNode) model.siblings().get(2);
        if (field.equals("size")) {
            entry.put(field, Long.parseLong(value));
        } else {
            entry.put(field, value);
        }
        assertThatThrownBy(this::toCache).isInstanceOf(HubException.class).hasMessageContaining("`config.json`");
    }

    @Test
    void aLinkInTheUsersFolderIsNotFollowed() throws IOException {
        Path outside = Files.createDirectory(temporary.resolve("outside"));
        Path folder = Files.createDirectory(temporary.resolve("plain"));
        Files.createSymbolicLink(folder.resolve("onnx"), outside);
        Path file = Files.writeString(outside.resolve("precious.txt"), "precious");
        Files.createSymbolicLink(folder.resolve("config.json"), file);
        assertThatThrownBy(() -> pull().toFolder(MODEL, new FileSelection.All(), folder, PullListener.NONE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("a link");
        pull().toFolder(MODEL, NEEDED, folder, PullListener.NONE);
        assertThat(filesBelow(outside)).containsExactly(file);
        assertThat(file).hasContent("precious");
        assertWhole(folder, "config.json");
    }

    @Test
    void aDownloadThatEndedEarlyIsContinued() throws IOException {
        slowDown();
        assertThatThrownBy(() -> pull().toCache(MODEL, NEEDED, progress -> {
                    if (progress.bytes() > 400_000) {
                        throw new CancellationException("enough");
                    }
                }))
                .isInstanceOf(CancellationException.class);
        assertThat(new HubCache(cache()).find(MODEL)).isEmpty();
        hub.answerAsUsual();
        hub.forgetRequests();
        long[] first = {-1};
        Path folder = pull().toCache(MODEL, NEEDED, progress -> first[0] = first[0] < 0 ? progress.bytes() : first[0]);
        assertWhole(folder, FIRST, "model-00002-of-00002.safetensors");
        assertThat(hub.requests()).filteredOn(Request::isElsewhere).hasSizeLessThan(14);
        assertThat(filesBelow(cache().resolve("models--owner--tiny-model/blobs")))
                .hasSize(4);
    }

    private void slowDown() {
        hub.answer(request -> {
            try {
                Thread.sleep(request.isElsewhere() ? 60 : 0);
            } catch (InterruptedException closing) {
                Thread.currentThread().interrupt();
            }
            return Optional.empty();
        });
    }

    @Test
    void aSecondDownloadToTheSamePlaceIsRefused() {
        assertThatThrownBy(() -> pull().toCache(MODEL, NEEDED, progress -> toCache()))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("another gatun");
    }

    @Test
    void offlineTheCacheAnswersAndNobodyIsAsked() {
        HubPull offline = new HubPull(settings(Optional.empty(), true), QUICK);
        assertThatThrownBy(() -> offline.toCache(MODEL, NEEDED, PullListener.NONE))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
        assertThatThrownBy(() -> offline.toFolder(MODEL, NEEDED, temporary, PullListener.NONE))
                .hasMessageContaining("HF_HUB_OFFLINE");
        assertThat(hub.requests()).isEmpty();
        Path folder = toCache();
        hub.forgetRequests();
        assertThat(offline.toCache(MODEL, NEEDED, PullListener.NONE)).isEqualTo(folder);
        assertThat(hub.requests()).isEmpty();
    }

    @Test
    void aCommitMayBeAskedForByItsDigits() {
        ModelReference commit = ModelReference.parse(FakeModel.ID + "@" + FakeModel.COMMIT);
        Path folder = pull().toCache(commit, NEEDED, PullListener.NONE);
        assertThat(new HubCache(cache()).find(commit)).contains(folder);
        assertThat(new HubCache(cache()).find(MODEL)).isEmpty();
    }

    @Test
    void aModelWithoutSafetensorsIsRefused() {
        model.siblings().removeIf(entry -> entry.path("rfilename").asString().endsWith(".safetensors"));
        assertThatThrownBy(this::toCache).hasMessageContaining("no safetensors");
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://localhost/x", "http:///x", "::", "/api/models/x"})
    void aRedirectThatLeadsNowhereEnds(String location) {
        hub.answer(request -> Optional.of(Reply.status(302).with("Location", location)));
        assertThatThrownBy(this::toCache).isInstanceOf(HubException.class).hasMessageContaining("redirects");
        assertThat(hub.requests()).hasSizeLessThan(12);
    }

    @Test
    void nobodyThereIsOneLine() {
        hub.close();
        assertThatThrownBy(this::toCache)
                .isInstanceOf(HubException.class)
                .hasMessageContaining("`127.0.0.1`: no connection, 4 times in a row");
    }
}
