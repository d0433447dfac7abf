package dev.gatun.natives;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * What the JVM's properties and environment say about loading libraries.
 *
 * @param given the folder the user named, whose libraries are taken as they are
 * @param system the operating system, as in {@code os.name}
 * @param processor the architecture, as in {@code os.arch}
 * @param cache Gatun's cache folder, if there is a home to put it in
 * @param temporary where private temporary folders are made
 */
record LoadSettings(Optional<Path> given, String system, String processor, Optional<Path> cache, Path temporary) {
    static LoadSettings ofThisJvm() {
        return of(System.getProperties(), System.getenv());
    }

    static LoadSettings of(Properties properties, Map<String, String> environment) {
        return new LoadSettings(
                Optional.ofNullable(properties.getProperty(NativeLibraries.FOLDER_PROPERTY))
                        .map(folder -> Path.of(folder).toAbsolutePath()),
                properties.getProperty("os.name"),
                properties.getProperty("os.arch"),
                cacheHome(properties, environment).map(home -> home.resolve("gatun")),
                Path.of(properties.getProperty("java.io.tmpdir")).toAbsolutePath());
    }

    /** By the XDG base directory specification, which has relative paths ignored. */
    private static Optional<Path> cacheHome(Properties properties, Map<String, String> environment) {
        Optional<Path> home = Stream.of(environment.get("HOME"), properties.getProperty("user.home"))
                .flatMap(LoadSettings::absolute)
                .findFirst();
        return absolute(environment.get("XDG_CACHE_HOME"))
                .findFirst()
                .or(() -> home.map(folder -> folder.resolve(".cache")));
    }

    private static Stream<Path> absolute(String folder) {
        return Stream.ofNullable(folder)
                .filter(name -> !name.isEmpty())
                .map(Path::of)
                .filter(Path::isAbsolute);
    }

    /** Whether there are libraries for this platform. */
    boolean hasPlatform() {
        return system.equals("Linux") && (processor.equals("amd64") || processor.equals("x86_64"));
    }

    /** The resource folder of this platform's libraries, {@code linux-x86_64}. */
    String platform() {
        if (!hasPlatform()) {
            throw new NativeLibraryException("no native libraries for " + system + " on " + processor
                    + ": Gatun ships them for Linux on x86-64; -D" + NativeLibraries.FOLDER_PROPERTY
                    + "=DIR names a folder of your own");
        }
        return "linux-x86_64";
    }
}
