"""All doubles of one sandbox, wired from its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.calls import CallLog
from sandbox.faults import Double, FaultBoard
from sandbox.jira import JiraSite
from sandbox.mail import Catcher, Mailbox
from sandbox.rates import Factor
from sandbox.receivers import Receiver
from sandbox.salesforce_login import Login
from sandbox.salesforce_objects import OBJECTS
from sandbox.salesforce_org import Salesforce
from sandbox.salesforce_records import Records
from sandbox.server import Front
from sandbox.settings import SandboxSettings
from sandbox.slack_callbacks import Callbacks
from sandbox.slack_interactivity import Interactivity
from sandbox.slack_socket import Sockets
from sandbox.slack_workspace import Workspace


@dataclass(frozen=True)
class World:
    """The doubles and the switches they share."""

    settings: SandboxSettings
    factor: Factor
    faults: FaultBoard
    calls: CallLog
    front: Front
    workspace: Workspace
    sockets: Sockets
    callbacks: Callbacks
    interactivity: Interactivity
    records: Records
    salesforce: Salesforce
    mailbox: Mailbox
    catcher: Catcher
    receivers: Mapping[Double, Receiver]
    jira: JiraSite

    objects = OBJECTS

    def clear(self) -> None:
        """Forget everything received; faults, limits and sessions stay."""
        self.workspace.clear()
        self.interactivity.latest.clear()
        self.records.clear()
        self.salesforce.used = 0
        self.mailbox.clear()
        for receiver in self.receivers.values():
            receiver.clear()
        self.jira.clear()
        self.calls.clear()


def build(settings: SandboxSettings) -> World:
    """Wire a sandbox that has received nothing."""
    factor = Factor(settings.sandbox_rate_factor)
    faults, calls = FaultBoard(), CallLog(settings.sandbox_keep)
    workspace = Workspace(
        settings.sandbox_slack_channels,
        settings.sandbox_slack_users,
        keep=settings.sandbox_keep,
        factor=factor,
    )
    sockets = Sockets(settings.public_url)
    callbacks = Callbacks(
        sockets,
        interactivity_url=settings.interactivity_url,
        events_url=settings.events_url,
        signing_secret=settings.slack_signing_secret.get_secret_value(),
    )
    records = Records(
        username=settings.salesforce_username,
        people=[(person.email, person.name) for person in workspace.people.values()],
        keep=settings.sandbox_keep,
    )
    login = Login(
        client_id=settings.salesforce_client_id,
        username=settings.salesforce_username,
        public_key=settings.salesforce_public_key,
        audiences=settings.sandbox_salesforce_audiences,
        session_seconds=settings.sandbox_salesforce_session_seconds,
    )
    mailbox = Mailbox(settings.sandbox_keep)
    return World(
        settings=settings,
        factor=factor,
        faults=faults,
        calls=calls,
        front=Front(faults, calls),
        workspace=workspace,
        sockets=sockets,
        callbacks=callbacks,
        interactivity=Interactivity(workspace, callbacks, public_url=settings.public_url),
        records=records,
        salesforce=Salesforce(
            records,
            login,
            daily_calls=settings.sandbox_salesforce_daily_calls,
            factor=factor,
            public_url=settings.public_url,
        ),
        mailbox=mailbox,
        catcher=Catcher(
            mailbox,
            faults,
            calls,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value(),
        ),
        jira=JiraSite(email=settings.issues_email, token=settings.issues_token.get_secret_value()),
        receivers={
            double: Receiver(double, secret=secret.get_secret_value(), keep=settings.sandbox_keep)
            for double, secret in (
                (Double.MARKETING, settings.marketing_secret),
                (Double.HEALTH, settings.health_secret),
                (Double.WEBHOOK, settings.webhook_secret),
            )
        },
    )
