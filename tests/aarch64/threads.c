/*
 * A thread and a line of output: the least that every program on a phone does. program.py builds it
 * with musl, whose system calls are all allowed to apps, and with glibc, whose start-up makes
 * forbidden ones.
 */
#include <pthread.h>
#include <stdio.h>

static void *greet(void *name)
{
    printf("hello from %s\n", (const char *)name);
    return NULL;
}

int main(void)
{
    char name[] = "a thread";
    pthread_t thread;
    if (pthread_create(&thread, NULL, greet, name) != 0)
        return 1;
    return pthread_join(thread, NULL) != 0;
}
