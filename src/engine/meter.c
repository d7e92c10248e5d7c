#include "engine/meter.h"

#include "sys/clock.h"
#include "sys/thread.h"

#define PERIOD_NS (NS_PER_S / 5)

struct meter {
	struct event_sink *sink;
	meter_sample *sample;
	void *arg;
	int64_t began_ns;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop; /* guarded by lock */
};

static void
tell(struct meter *m)
{
	struct event e = { .kind = EVENT_PROGRESS };
	m->sample(m->arg, &e);
	e.elapsed_ns = clock_mono_ns() - m->began_ns;
	event_emit(m->sink, &e);
}

static void *
run(void *arg)
{
	struct meter *m = arg;
	pthread_mutex_lock(&m->lock);
	while (!m->stop) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PERIOD_NS;
		if (until.tv_nsec >= NS_PER_S) {
			until.tv_nsec -= NS_PER_S;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&m->wake, &m->lock, &until);
		if (m->stop)
			break;
		pthread_mutex_unlock(&m->lock);
		tell(m);
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

void
meter_start(struct meter **out, struct event_sink *sink, meter_sample *sample, void *arg)
{
	*out = NULL;
	if (sink == NULL)
		return;
	struct meter *m = calloc(1, sizeof *m);
	if (m == NULL)
		return;
	m->sink = sink;
	m->sample = sample;
	m->arg = arg;
	m->began_ns = clock_mono_ns();
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	struct err scratch; /* without a thread the step runs all the same, silently */
	if (thread_start(&m->thread, run, m, "meter", &scratch)) {
		free(m);
		return;
	}
	*out = m;
}

void
meter_stop(struct meter *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
