package dev.gatun.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is unpacked where, what is trusted, and what is said when nothing can be loaded. */
class LibraryLoaderTest {
    private static final String FILE = "libsample.so";
    private static final byte[] CONTENT = "machine code".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    private Path cache;
    private Path temporary;
    private final List<Path> loaded = new ArrayList<>();

    @BeforeEach
    void makeFolders() throws IOException {
        cache = folder.resolve("home/.cache/gatun");
        temporary = Files.createDirectory(folder.resolve("tmp"));
    }

    @Test
    void theLibraryIsLoadedFromTheCacheUnderItsHash() throws Exception {
        Path library = load();

        String hash =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(CONTENT));
        assertThat(library).isEqualTo(cache.resolve("natives").resolve(hash + "-" + FILE));
        assertThat(loaded).containsExactly(library);
        assertThat(library).hasBinaryContent(CONTENT);
        assertThat(files(library.getParent())).containsExactly(library);
    }

    @Test
    void theCacheIsOpenToItsOwnerOnly() throws Exception {
        Files.createDirectories(cache.resolve("natives"));
        Files.setPosixFilePermissions(cache.resolve("natives"), PosixFilePermissions.fromString("rwxrwxrwx"));

        Path natives = load().getParent();

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(natives)))
                .isEqualTo("rwx------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)))
                .isEqualTo("rwx------");
    }

    @Test
    void anIntactFileIsUsedAgain() throws Exception {
        Object first = key(load());

        assertThat(key(load())).isEqualTo(first);
        assertThat(loaded).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"machine c0de", "machine", "", "machine code and more"})
    void aDamagedFileIsReplacedBeforeItIsLoaded(String damaged) throws Exception {
        Files.writeString(load(), damaged);

        assertThat(load()).hasBinaryContent(CONTENT);
        assertThat(loaded).hasSize(2);
    }

    @Test
    void aLinkInPlaceOfTheFileIsReplaced() throws Exception {
        Path library = load();
        Path elsewhere = Files.write(folder.resolve("elsewhere"), CONTENT);
        Files.delete(library);
        Files.createSymbolicLink(library, elsewhere);

        assertThat(load()).isEqualTo(library);
        assertThat(Files.isSymbolicLink(library)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "natives"})
    void aLinkInPlaceOfTheFolderIsNotTrusted(String part) throws Exception {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path link = cache.resolve(part);
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, elsewhere);

        assertThat(load()).startsWithRaw(temporary);
        assertThat(files(elsewhere)).isEmpty();
    }

    @Test
    void aFolderOfSomebodyElseIsNotTrusted() throws Exception {
        assertThatThrownBy(() -> OwnFolder.open(folderOfSomebodyElse()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not trusted")
                .hasMessageContaining("belongs to user");
    }

    private Path folderOfSomebodyElse() throws IOException {
        if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            return Path.of("/usr");
        }
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.setAttribute(other, "unix:uid", 12345);
        return other;
    }

    @Test
    void withoutAUsableHomeAPrivateFolderServesAndIsDeleted() throws Exception {
        cache = Files.createFile(folder.resolve("not-a-folder")).resolve("gatun");

        Path library = load();

        assertThat(library).startsWithRaw(temporary);
        assertThat(library).doesNotExist();
        assertThat(files(temporary)).isEmpty();
    }

    @Test
    void withoutAnyHomeAPrivateFolderServes() {
        LoadSettings homeless = new LoadSettings(Optional.empty(), "Linux", "amd64", Optional.empty(), temporary);

        assertThat(loader(homeless, this::link).load(FILE)).startsWithRaw(temporary);
    }

    @Test
    void aHomeThatForbidsExecutionIsPassedOver() {
        Path library = loader(settings(), path -> {
                    if (path.startsWith(cache)) {
                        throw new UnsatisfiedLinkError("failed to map segment");
                    }
                    link(path);
                })
                .load(FILE);

        assertThat(library).startsWithRaw(temporary);
    }

    @Test
    void whenAllFoldersForbidExecutionTheMessageNamesTheWayOut() throws Exception {
        LibraryLoader loader = loader(settings(), path -> {
            throw new UnsatisfiedLinkError(path + ": failed to map segment from shared object");
        });

        assertThatThrownBy(() -> loader.load(FILE))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining(FILE)
                .hasMessageContaining(cache.toString())
                .hasMessageContaining(temporary.toString())
                .hasMessageContaining("noexec")
                .hasMessageContaining("-Dgatun.natives=DIR")
                .message()
                .doesNotContain("\n");
        assertThat(files(temporary)).isEmpty();
    }

    @Test
    void theFolderThatTheUserNamesIsTakenAsItIs() throws Exception {
        Path library = Files.writeString(folder.resolve(FILE), "another build");

        assertThat(loader(given(folder, "Linux", "riscv64"), this::link).load(FILE))
                .isEqualTo(library);
        assertThat(library).hasContent("another build");
        assertThat(cache).doesNotExist();
    }

    @Test
    void aNamedFolderWithoutTheLibraryIsAnError() {
        assertThatThrownBy(() ->
                        loader(given(folder, "Linux", "amd64"), this::link).load(FILE))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("no `" + FILE + "` in `" + folder + "`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Linux:aarch64", "Mac OS X:x86_64", "Windows 11:amd64"})
    void otherPlatformsGetOneLineThatSaysSo(String platform) {
        String[] parts = platform.split(":", 2);
        LoadSettings settings = new LoadSettings(Optional.empty(), parts[0], parts[1], Optional.of(cache), temporary);

        assertThatThrownBy(() -> loader(settings, this::link).load(FILE))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageStartingWith("no native libraries for " + parts[0] + " on " + parts[1]);
    }

    @Test
    void aLibraryThatWasNotBuiltIsAnError() {
        LibraryLoader loader = new LibraryLoader(settings(), name -> null, this::link);

        assertThatThrownBy(() -> loader.load(FILE))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("run `make`");
    }

    @Test
    void presenceIsToldWithoutLoading() throws Exception {
        assertThat(loader(settings(), this::link).isPresent(FILE)).isTrue();
        assertThat(new LibraryLoader(settings(), name -> null, this::link).isPresent(FILE))
                .isFalse();
        LoadSettings mac = new LoadSettings(Optional.empty(), "Mac OS X", "aarch64", Optional.of(cache), temporary);
        assertThat(loader(mac, this::link).isPresent(FILE)).isFalse();

        LibraryLoader inFolder = loader(given(folder, "Mac OS X", "aarch64"), this::link);
        assertThat(inFolder.isPresent(FILE)).isFalse();
        Files.write(folder.resolve(FILE), CONTENT);
        assertThat(inFolder.isPresent(FILE)).isTrue();
        assertThat(loaded).isEmpty();
    }

    @Test
    void manyMayUnpackAtOnce() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Path>> tasks = Stream.generate(() -> (Callable<Path>)
                            () -> loader(settings(), path -> {}).load(FILE))
                    .limit(32)
                    .toList();
            for (Future<Path> path : threads.invokeAll(tasks)) {
                assertThat(path.get()).startsWithRaw(cache).hasBinaryContent(CONTENT);
            }
        }
        assertThat(files(cache.resolve("natives"))).hasSize(1);
    }

    private Path load() {
        return loader(settings(), this::link).load(FILE);
    }

    private void link(Path library) {
        assertThat(library).isRegularFile();
        loaded.add(library);
    }

    private LoadSettings settings() {
        return new LoadSettings(Optional.empty(), "Linux", "amd64", Optional.of(cache), temporary);
    }

    private LoadSettings given(Path given, String system, String processor) {
        return new LoadSettings(Optional.of(given), system, processor, Optional.of(cache), temporary);
    }

    private static LibraryLoader loader(LoadSettings settings, Consumer<Path> linker) {
        return new LibraryLoader(settings, LibraryLoaderTest::resource, linker);
    }

    private static InputStream resource(String name) {
        assertThat(name).isEqualTo("/dev/gatun/natives/linux-x86_64/" + FILE);
        return new ByteArrayInputStream(CONTENT);
    }

    private static Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }
}
