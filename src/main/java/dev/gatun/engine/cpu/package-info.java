/** The backend that runs every operation on the CPU library, at once. */
package dev.gatun.engine.cpu;
