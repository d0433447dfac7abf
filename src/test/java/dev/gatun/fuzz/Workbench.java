package dev.gatun.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Runs cases of some formats, one after another. What a case does follows from the seed, its number and the formats. */
public final class Workbench {
    /** Tells cases apart: the golden ratio's digits, as in {@link SplittableRandom}. */
    private static final long STRIDE = 0x9E3779B97F4A7C15L;

    private static final int MOST_DAMAGES = 4;

    private final Path root;
    private final long seed;
    private final List<Format> formats;
    private final Map<Format, SequencedMap<String, byte[]>> good = new HashMap<>();
    private final Map<Format, Set<String>> damaged = new HashMap<>();

    /** @param root a folder of its own, which need not exist */
    public Workbench(Path root, long seed, List<Format> formats) {
        this.root = root;
        this.seed = seed;
        this.formats = List.copyOf(formats);
    }

    /** Runs a case: damages files of one format, and reads them. */
    public Outcome run(long number) throws IOException {
        return use(damage(number));
    }

    /** Damages the files of a case; those of the case before are good again. */
    DamagedFiles damage(long number) throws IOException {
        Format format = formats.get((int) (number % formats.size()));
        SplittableRandom random = new SplittableRandom(seed + number * STRIDE);
        SequencedMap<String, byte[]> originals = goodFiles(format);
        Map<String, Optional<byte[]>> changed = change(format, originals, random);
        for (String file : damaged.getOrDefault(format, Set.of())) {
            write(format, file, Optional.of(originals.get(file)));
        }
        damaged.put(format, new TreeSet<>(changed.keySet()));
        for (Map.Entry<String, Optional<byte[]>> file : changed.entrySet()) {
            write(format, file.getKey(), file.getValue());
        }
        return new DamagedFiles(number, format, folder(format), List.copyOf(changed.keySet()));
    }

    /** Reads damaged files, and judges what comes of it. */
    Outcome use(DamagedFiles files) {
        try {
            files.format().use(files.folder());
            return new Outcome.Accepted();
        } catch (IOException | RuntimeException | Error thrown) {
            return new Verdict(files).of(thrown);
        }
    }

    private Path folder(Format format) {
        return root.resolve(format.name());
    }

    private SequencedMap<String, byte[]> goodFiles(Format format) throws IOException {
        SequencedMap<String, byte[]> known = good.get(format);
        if (known == null) {
            known = new TreeMap<>();
            Files.createDirectories(folder(format));
            format.write(folder(format), seed);
            try (Stream<Path> files = Files.list(folder(format))) {
                for (Path file : files.toList()) {
                    known.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            good.put(format, known);
        }
        return known;
    }

    /** New contents for one file or a few, in the order of their names; empty where one is to be deleted. */
    private static Map<String, Optional<byte[]>> change(
            Format format, SequencedMap<String, byte[]> originals, SplittableRandom random) {
        List<String> files = new ArrayList<>(originals.keySet());
        files.removeIf(file -> !format.damages(file));
        Map<String, Optional<byte[]>> changed = new TreeMap<>();
        for (int count = damages(random); count > 0; count--) {
            String file = files.get(random.nextInt(files.size()));
            Optional<byte[]> bytes = changed.getOrDefault(file, Optional.of(originals.get(file)));
            switch (random.nextInt(100)) {
                case 0 -> changed.put(file, Optional.empty());
                case 1 -> changed.put(file, Optional.of(new byte[0]));
                case 2 -> {
                    String other = files.get(random.nextInt(files.size()));
                    changed.put(file, Optional.of(originals.get(other)));
                    changed.put(other, Optional.of(originals.get(file)));
                }
                default ->
                    changed.put(file, bytes.map(some -> format.damage(file).apply(some, random)));
            }
        }
        return changed;
    }

    /** Mostly one: what is behind the first fault that is found is not looked at. */
    private static int damages(SplittableRandom random) {
        return random.nextInt(3) > 0 ? 1 : random.nextInt(1, MOST_DAMAGES);
    }

    private void write(Format format, String file, Optional<byte[]> bytes) throws IOException {
        Path path = folder(format).resolve(file);
        if (bytes.isPresent()) {
            Files.write(path, bytes.get());
        } else {
            Files.deleteIfExists(path);
        }
    }
}
