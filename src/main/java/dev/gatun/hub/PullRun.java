package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/** One download of several files, by several threads; used once. */
final class PullRun {
    private static final long REPORT_MILLIS = 200;
    private static final long PATIENCE_SECONDS = 20;

    private final Pace pace;
    private final Target target;
    private final Function<SafePath, URI> addresses;
    private final PartTransfer transfer;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger verified = new AtomicInteger();

    PullRun(HubRequests requests, Pace pace, Target target, Function<SafePath, URI> addresses) {
        this.pace = pace;
        this.target = target;
        this.addresses = addresses;
        this.transfer = new PartTransfer(requests, new Retries(pace), bytes::addAndGet);
    }

    /** Downloads those of the files that are not there yet. */
    void run(List<HubFile> files, PullListener listener) throws IOException, InterruptedException {
        Reporter reporter = new Reporter(files, listener);
        List<FileDownload> missing = missing(files, reporter);
        reporter.report();
        ExecutorService threads = Executors.newFixedThreadPool(
                pace.connections(), Thread.ofPlatform().daemon().name("hub-", 0).factory());
        try {
            await(started(missing, new ExecutorCompletionService<>(threads)), reporter);
        } finally {
            threads.shutdownNow();
            threads.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
            for (FileDownload download : missing) {
                download.close();
            }
        }
    }

    private List<FileDownload> missing(List<HubFile> files, Reporter reporter) throws IOException {
        List<FileDownload> missing = new ArrayList<>();
        Set<Path> begun = new HashSet<>();
        long needed = 0;
        for (HubFile file : files) {
            if (target.has(file) || !begun.add(target.unfinished(file))) {
                verified.incrementAndGet();
                bytes.addAndGet(file.size());
            } else {
                FileDownload download = new FileDownload(file, target, pace.partBytes());
                long received = download.received();
                bytes.addAndGet(received);
                needed += file.size() - received;
                missing.add(download);
            }
            reporter.report();
        }
        requireSpace(needed);
        return missing;
    }

    private void requireSpace(long needed) throws IOException {
        Path folder = target.lockFile().toAbsolutePath().getParent();
        long free = Files.getFileStore(folder).getUsableSpace();
        if (needed > free) {
            throw new HubException(Quoted.of(folder) + ": the files need " + (needed >> 20) + " MiB more, but only "
                    + (free >> 20) + " MiB are free on this disk");
        }
    }

    private record Started(CompletionService<Boolean> tasks, int count) {}

    private Started started(List<FileDownload> downloads, CompletionService<Boolean> tasks) {
        int count = 0;
        for (FileDownload download : downloads) {
            for (int part = 0; part < download.parts(); part++) {
                int which = part;
                tasks.submit(() -> receive(download, which));
                count++;
            }
        }
        return new Started(tasks, count);
    }

    private Boolean receive(FileDownload download, int part) throws IOException, InterruptedException {
        transfer.receive(download, part, addresses.apply(download.file().path()));
        boolean last = download.partArrived();
        if (last) {
            verified.incrementAndGet();
        }
        return last;
    }

    private static void await(Started started, Reporter reporter) throws IOException, InterruptedException {
        for (int left = started.count(); left > 0; ) {
            Future<Boolean> done = started.tasks().poll(REPORT_MILLIS, TimeUnit.MILLISECONDS);
            if (done != null) {
                left--;
                result(done);
            }
            reporter.report();
        }
    }

    private static void result(Future<Boolean> done) throws IOException, InterruptedException {
        try {
            done.get();
        } catch (ExecutionException failed) {
            switch (failed.getCause()) {
                case IOException disk -> throw disk;
                case InterruptedException stopped -> throw stopped;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(failed.getCause());
            }
        }
    }

    /** Tells the listener, on the thread that downloads. */
    private final class Reporter {
        private final int allFiles;
        private final long allBytes;
        private final PullListener listener;

        Reporter(List<HubFile> files, PullListener listener) {
            this.allFiles = files.size();
            this.allBytes = files.stream().mapToLong(HubFile::size).reduce(0, Math::addExact);
            this.listener = listener;
        }

        void report() {
            listener.pulled(new PullProgress(verified.get(), allFiles, bytes.get(), allBytes));
        }
    }
}
