package dev.gatun.natives;

import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Loads the libraries that ship inside the module, each once per JVM.
 *
 * <p>A library is unpacked to {@code $XDG_CACHE_HOME/gatun/natives} ({@code ~/.cache/gatun/natives} by default) under the
 * SHA-256 of its content, and compared with the module's own copy before each load. Where that folder cannot be used or
 * trusted, a private temporary folder takes its place and is deleted once the library is loaded. The system property
 * {@value #FOLDER_PROPERTY} names a folder whose libraries are loaded as they are instead, on any platform.
 *
 * <p>Every wrapper of a library calls {@link #load} before it touches the bindings: their symbols are looked up once, and
 * a look-up before the load fails for good.
 */
public final class NativeLibraries {
    /** The system property that names a folder of libraries to use instead of those in the module. */
    public static final String FOLDER_PROPERTY = "gatun.natives";

    // A failure leaves no entry, so the next call tries again and reports afresh.
    private static final ConcurrentMap<String, Path> LOADED = new ConcurrentHashMap<>();

    private NativeLibraries() {}

    /**
     * Loads a library, unless an earlier call did. May be called from any thread.
     *
     * @param file the library's file name, {@code libgatun_cpu.so} for example
     * @return where it was loaded from; the file may be gone by now
     * @throws NativeLibraryException if there is none for this platform, or it cannot be unpacked or loaded
     */
    public static Path load(String file) {
        return LOADED.computeIfAbsent(file, NativeLibraries::loadFirst);
    }

    /**
     * Whether there is such a library to load: in the module, or in the folder that {@value #FOLDER_PROPERTY} names. That
     * it is there does not mean that it can be loaded.
     *
     * @param file the library's file name
     */
    public static boolean isPresent(String file) {
        return loader().isPresent(file);
    }

    private static Path loadFirst(String file) {
        return loader().load(file);
    }

    private static LibraryLoader loader() {
        return new LibraryLoader(
                LoadSettings.ofThisJvm(), LibraryLoader.class::getResourceAsStream, NativeLibraries::link);
    }

    // The library belongs to the class loader of the class that calls System.load: it must be that of the bindings.
    private static void link(Path library) {
        System.load(library.toString());
    }
}
