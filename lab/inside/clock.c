/*
 * A wall clock of a test machine's own: ahead of the kernel's by the seconds in /usr/lib/lab-clock (eight octets, signed, as the machine
 * orders them), from one call to the next. Loaded into every program by /etc/ld.so.preload. What counts from the boot is not touched; the
 * times that the kernel gives to files stay the kernel's. The kernel's clock, which is the host's, cannot be set from here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* No machine has been up for thirty years: what is later is a time of the wall clock. */
#define WALL 1000000000

static const volatile int64_t *seconds;

__attribute__((constructor)) static void begin(void) {
  int file = open("/usr/lib/lab-clock", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *at = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (at != MAP_FAILED) seconds = at;
}

static int64_t ahead(void) { return seconds == NULL ? 0 : *seconds; }

static int is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (!failed && is_wall(clock)) now->tv_sec += ahead();
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec wall;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &wall);
  now->tv_sec = wall.tv_sec;
  now->tv_usec = wall.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  if (now != NULL) *now = wall.tv_sec;
  return wall.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
  clock_gettime(CLOCK_REALTIME, now);
  return base;
}

int clock_settime(clockid_t clock, const struct timespec *now) { (void)clock, (void)now; errno = EPERM; return -1; }
int settimeofday(const struct timeval *now, const struct timezone *zone) { (void)now, (void)zone; errno = EPERM; return -1; }

/* The same moment by the clock that counts from the boot. */
static struct timespec since_boot(const struct timespec *until) {
  struct timespec wall, boot, moment = *until;
  if (until->tv_sec < WALL) return moment;
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &boot);
  moment.tv_sec += boot.tv_sec - wall.tv_sec;
  moment.tv_nsec += boot.tv_nsec - wall.tv_nsec;
  while (moment.tv_nsec < 0) moment.tv_nsec += 1000000000, moment.tv_sec--;
  while (moment.tv_nsec >= 1000000000) moment.tv_nsec -= 1000000000, moment.tv_sec++;
  if (moment.tv_sec < 0) moment.tv_sec = moment.tv_nsec = 0;
  return moment;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec moment = since_boot(until);
  return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &moment);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec moment = since_boot(until);
  return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &moment);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  struct timespec moment = since_boot(until);
  return sem_clockwait(semaphore, CLOCK_MONOTONIC, &moment);
}

int timerfd_settime(int file, int flags, const struct itimerspec *wanted, struct itimerspec *old) {
  struct itimerspec kernels = *wanted;
  if ((flags & TFD_TIMER_ABSTIME) && kernels.it_value.tv_sec > WALL) kernels.it_value.tv_sec -= ahead();
  return (int)syscall(SYS_timerfd_settime, file, flags, &kernels, old);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *rest) {
  struct timespec kernels = *wanted;
  if ((flags & TIMER_ABSTIME) && is_wall(clock)) kernels.tv_sec -= ahead();
  return syscall(SYS_clock_nanosleep, clock, flags, &kernels, rest) == 0 ? 0 : errno;
}
