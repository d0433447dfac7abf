package dev.gatun.hub;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;

/**
 * Downloads models. A download that ends early, by Ctrl-C, a crash or a lost connection, is continued by the next one; nothing
 * gets its name before its hash was found right. May be used by several threads, one model and place at a time.
 */
public final class HubPull {
    private static final int LONGEST_LISTING = 64 << 20;

    private final HubSettings settings;
    private final Pace pace;

    /** Downloads as these settings say. */
    public HubPull(HubSettings settings) {
        this(settings, Pace.USUAL);
    }

    HubPull(HubSettings settings, Pace pace) {
        this.settings = settings;
        this.pace = pace;
    }

    /**
     * Downloads a model to the hub's cache, unless it is there; returns its folder. Without the network, as
     * {@link HubSettings#offline} may ask, it must be there.
     *
     * @throws HubException if that cannot be done; the message is for the user
     * @throws CancellationException if the thread was interrupted
     */
    public Path toCache(ModelReference model, FileSelection selection, PullListener listener) {
        HubCache cache = new HubCache(settings.cache());
        if (settings.offline()) {
            return cache.find(model)
                    .orElseThrow(() -> new HubException(model + ": not in the cache " + Quoted.of(settings.cache())
                            + ", and HF_HUB_OFFLINE forbids to download it"));
        }
        return pull(model, selection, listener, commit -> new CacheTarget(cache, model, commit));
    }

    /**
     * Downloads a model's files to a folder, which is made if need be; returns it. A file there that has the listed content
     * stays, another one of the same name is replaced.
     *
     * @throws HubException if that cannot be done; the message is for the user
     * @throws CancellationException if the thread was interrupted
     */
    public Path toFolder(ModelReference model, FileSelection selection, Path folder, PullListener listener) {
        if (settings.offline()) {
            throw new HubException(model + ": HF_HUB_OFFLINE forbids to download it");
        }
        return pull(model, selection, listener, commit -> new FolderTarget(folder));
    }

    private Path pull(
            ModelReference model, FileSelection selection, PullListener listener, Function<String, Target> targets) {
        Addresses addresses = new Addresses(settings.endpoint(), model);
        try (HubRequests requests = new HubRequests(settings, model, pace)) {
            ModelListing listing = listing(model, addresses, requests);
            List<HubFile> files = listing.chosen(selection);
            requireUseful(model, selection, files);
            Target target = targets.apply(listing.commit());
            target.prepare();
            try (TargetLock _ = TargetLock.take(target.lockFile())) {
                new PullRun(requests, pace, target, path -> addresses.file(listing.commit(), path))
                        .run(files, listener);
                return target.finish(files);
            }
        } catch (InterruptedException | InterruptedIOException interrupted) {
            Thread.currentThread().interrupt();
            throw cancelled(interrupted);
        } catch (IOException disk) {
            throw new HubException(model + ": cannot be stored: " + Quoted.oneLine(String.valueOf(reason(disk))), disk);
        }
    }

    private static CancellationException cancelled(Exception interrupted) {
        CancellationException cancelled = new CancellationException("interrupted while a model was downloaded");
        cancelled.initCause(interrupted);
        return cancelled;
    }

    private static String reason(IOException disk) {
        return switch (disk) {
            case AccessDeniedException denied -> denied.getFile() + ": no permission";
            case FileSystemException failure
            when failure.getReason() == null ->
                failure.getFile() + ": " + failure.getClass().getSimpleName();
            default -> disk.getMessage();
        };
    }

    private ModelListing listing(ModelReference model, Addresses addresses, HubRequests requests)
            throws InterruptedException {
        byte[] json = new Retries(pace).of(() -> {
            try (HubResponse response = requests.get(addresses.listing(), Optional.empty())) {
                return response.content().readNBytes(LONGEST_LISTING);
            } catch (TransientException failure) {
                throw failure;
            } catch (IOException cut) {
                throw new TransientException(
                        Quoted.of(addresses.listing().getHost()) + ": the connection was cut", cut);
            }
        });
        return new ListingReader(model).read(json);
    }

    private static void requireUseful(ModelReference model, FileSelection selection, List<HubFile> files) {
        boolean weights = files.stream().anyMatch(file -> file.path().name().endsWith(".safetensors"));
        if (selection instanceof FileSelection.Needed && !weights) {
            throw new HubException(
                    model + ": the hub lists no safetensors files of it, so Gatun cannot run it; nothing was"
                            + " downloaded");
        }
        if (files.isEmpty()) {
            throw new HubException(model + ": none of its files is asked for; nothing was downloaded");
        }
    }
}
