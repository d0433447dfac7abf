package dev.gatun.cuda;

/**
 * The priorities that streams of a device can have. The number of a more urgent one is smaller. Priorities order blocks
 * of kernels that wait for a multiprocessor; copies take no notice of them.
 *
 * @param lowest the number of the least urgent priority, which streams have by default
 * @param highest the number of the most urgent priority, not above {@code lowest}
 */
public record StreamPriorities(int lowest, int highest) {
    void require(int priority) {
        if (priority > lowest || priority < highest) {
            throw new IllegalArgumentException(
                    "priorities go from " + lowest + " (least urgent) to " + highest + " (most urgent): " + priority);
        }
    }
}
