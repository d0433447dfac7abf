package dev.gatun.natives;

/** A program for child JVMs: loads a library twice and prints where it came from, or why it could not be loaded. */
final class LoadInChild {
    private LoadInChild() {}

    public static void main(String[] arguments) {
        try {
            System.out.println(NativeLibraries.load(arguments[0]));
            System.out.println(NativeLibraries.load(arguments[0]));
        } catch (NativeLibraryException e) {
            System.out.println(e.getMessage());
        }
    }
}
