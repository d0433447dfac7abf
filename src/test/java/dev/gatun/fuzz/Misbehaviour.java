package dev.gatun.fuzz;

import dev.gatun.GatunException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CountDownLatch;

/** Readers with every fault that the fuzz is to find, to see that it does. */
enum Misbehaviour implements Format {
    /** Reads what is not its own, as native code may. */
    CRASH {
        @Override
        public void use(Path folder) {
            MemorySegment.ofAddress(8).reinterpret(Long.BYTES).get(ValueLayout.JAVA_LONG, 0);
        }
    },
    /** Waits for what never comes. */
    HANG {
        @Override
        public void use(Path folder) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException impossible) {
                Thread.currentThread().interrupt();
            }
        }
    },
    /** Takes all of the heap. */
    FILL_HEAP {
        @Override
        public void use(Path folder) {
            String text = "text";
            while (!text.isEmpty()) {
                text = text + text;
            }
        }
    },
    /** Takes memory outside the heap. */
    FILL_MEMORY {
        @Override
        public void use(Path folder) {
            try (Arena arena = Arena.ofConfined()) {
                arena.allocate(1L << 30);
            }
        }
    },
    /** Reserves memory outside the heap that it does not touch. */
    RESERVE_MEMORY {
        @Override
        public void use(Path folder) throws IOException {
            Path file = folder.resolve("large");
            try (Arena arena = Arena.ofConfined();
                    FileChannel channel = FileChannel.open(
                            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                channel.map(FileChannel.MapMode.READ_WRITE, 0, 16L << 30, arena);
            } finally {
                Files.deleteIfExists(file);
            }
        }
    },
    /** Throws what no documentation promises. */
    UNDOCUMENTED {
        @Override
        public void use(Path folder) {
            throw new IllegalStateException(folder.toString());
        }
    },
    /** Does not say which file it is. */
    NAMELESS {
        @Override
        public void use(Path folder) {
            throw new GatunException("something is wrong");
        }
    },
    /** Breaks its line. */
    TWO_LINES {
        @Override
        public void use(Path folder) {
            throw new GatunException(folder + ": one\nanother");
        }
    };

    @Override
    public void write(Path folder, long seed) throws IOException {
        Files.writeString(folder.resolve("file"), "text");
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        return new ByteMutation();
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof GatunException;
    }
}
