package dev.gatun.natives;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Finds a library, unpacks it where it can be trusted, and hands it to the linker. */
final class LibraryLoader {
    private final LoadSettings settings;
    private final Function<String, InputStream> resources;
    private final Consumer<Path> linker;

    /**
     * @param resources opens a resource of the module by its absolute name, or returns null
     * @param linker loads a library or throws {@link UnsatisfiedLinkError}
     */
    LibraryLoader(LoadSettings settings, Function<String, InputStream> resources, Consumer<Path> linker) {
        this.settings = settings;
        this.resources = resources;
        this.linker = linker;
    }

    /** Loads a library and returns where it was loaded from. */
    Path load(String file) {
        return settings.given().isPresent() ? loadGiven(settings.given().get(), file) : unpackAndLoad(file);
    }

    /** Whether there is a file to load; on a platform without libraries there is none. */
    boolean isPresent(String file) {
        if (settings.given().isPresent()) {
            return Files.isRegularFile(settings.given().get().resolve(file));
        }
        if (!settings.hasPlatform()) {
            return false;
        }
        try (InputStream stream = resources.apply(resource(file))) {
            return stream != null;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private Path loadGiven(Path folder, String file) {
        Path library = folder.resolve(file);
        if (!Files.isRegularFile(library)) {
            throw new NativeLibraryException("no `" + file + "` in `" + folder + "`, the folder that -D"
                    + NativeLibraries.FOLDER_PROPERTY + " names");
        }
        try {
            linker.accept(library);
        } catch (UnsatisfiedLinkError e) {
            throw new NativeLibraryException("cannot load `" + library + "`: " + e.getMessage(), e);
        }
        return library;
    }

    private Path unpackAndLoad(String file) {
        byte[] content = content(file);
        List<Exception> failures = new ArrayList<>();
        if (settings.cache().isPresent()) {
            try {
                return loadFromCache(settings.cache().get(), file, content);
            } catch (IOException e) {
                failures.add(e);
            }
        }
        try {
            return loadFromTemporary(file, content);
        } catch (IOException e) {
            failures.add(e);
        }
        throw unloadable(file, failures);
    }

    private byte[] content(String file) {
        try (InputStream stream = resources.apply(resource(file))) {
            if (stream == null) {
                throw new NativeLibraryException(
                        "`" + file + "` is not in this build of Gatun: run `make`, which compiles it");
            }
            return stream.readAllBytes();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private String resource(String file) {
        return "/dev/gatun/natives/" + settings.platform() + "/" + file;
    }

    private static NativeLibraryException unreadable(String file, IOException e) {
        return new NativeLibraryException("cannot read `" + file + "` in Gatun's own jar: " + e.getMessage(), e);
    }

    private Path loadFromCache(Path cache, String file, byte[] content) throws IOException {
        OwnFolder folder = OwnFolder.open(cache).open("natives");
        return link(new LibraryFolder(folder.path()).place(file, content));
    }

    private Path loadFromTemporary(String file, byte[] content) throws IOException {
        Path folder = Files.createTempDirectory(settings.temporary(), "gatun-");
        Path library = folder.resolve(file);
        try {
            library = new LibraryFolder(folder).place(file, content);
            return link(library);
        } finally {
            // The mapping outlives the name, and nobody else could use the file.
            Files.deleteIfExists(library);
            Files.delete(folder);
        }
    }

    private Path link(Path library) throws IOException {
        try {
            linker.accept(library);
        } catch (UnsatisfiedLinkError e) {
            throw new IOException(e.getMessage(), e);
        }
        return library;
    }

    private static NativeLibraryException unloadable(String file, List<Exception> failures) {
        List<String> reasons = failures.stream().map(LibraryLoader::reason).toList();
        NativeLibraryException failure = new NativeLibraryException(
                "cannot unpack and load `" + file + "`: " + String.join("; ", reasons)
                        + "; if these folders are read-only or mounted noexec, copy the library to another one and name it with -D"
                        + NativeLibraries.FOLDER_PROPERTY + "=DIR",
                failures.getLast());
        failures.subList(0, failures.size() - 1).forEach(failure::addSuppressed);
        return failure;
    }

    private static String reason(Exception failure) {
        // The messages of most file system exceptions are a bare path: their class says what happened.
        return failure.getClass() == IOException.class ? failure.getMessage() : failure.toString();
    }
}
