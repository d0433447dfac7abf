package dev.gatun.hub;

/**
 * Hears how far a download is; called several times a second by the thread that downloads. What it throws ends the download,
 * which a later one continues.
 */
@FunctionalInterface
public interface PullListener {
    /** Nobody. */
    PullListener NONE = progress -> {};

    /** So much is there. */
    void pulled(PullProgress progress);
}
