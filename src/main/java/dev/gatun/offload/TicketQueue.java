package dev.gatun.offload;

import java.util.Arrays;

/**
 * What was put in and is not known to have ended, oldest first: an item, a place and the ticket of each. It grows when it
 * is longer than ever before, and allocates nothing otherwise.
 */
final class TicketQueue {
    private int[] items;
    private int[] places;
    private long[] tickets;
    private int first;
    private int size;

    TicketQueue(int capacity) {
        items = new int[Math.max(1, capacity)];
        places = new int[items.length];
        tickets = new long[items.length];
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(int item, int place, long ticket) {
        if (size == items.length) {
            grow();
        }
        int last = (first + size++) % items.length;
        items[last] = item;
        places[last] = place;
        tickets[last] = ticket;
    }

    private void grow() {
        int[] oldItems = items;
        int[] oldPlaces = places;
        long[] oldTickets = tickets;
        items = Arrays.copyOf(items, 2 * size);
        places = Arrays.copyOf(places, 2 * size);
        tickets = Arrays.copyOf(tickets, 2 * size);
        for (int i = 0; i < size; i++) {
            int from = (first + i) % size;
            items[i] = oldItems[from];
            places[i] = oldPlaces[from];
            tickets[i] = oldTickets[from];
        }
        first = 0;
    }

    /** The oldest's item. */
    int item() {
        return items[first];
    }

    /** The oldest's place. */
    int place() {
        return places[first];
    }

    /** The oldest's ticket. */
    long ticket() {
        return tickets[first];
    }

    void remove() {
        if (size == 0) {
            throw new IllegalStateException("nothing is queued");
        }
        first = (first + 1) % items.length;
        size--;
    }

    void clear() {
        size = 0;
    }
}
