import type { Texts } from './texts.ts'

export const spanish: Texts = {
  language: 'es',

  continueWith: 'Continuar con {provider}',
  signIn: 'Iniciar sesión',
  signUp: 'Crear una cuenta',
  lastUsed: 'Usado la última vez',
  loading: 'Cargando…',
  goingOn: 'Redirigiendo a {provider}…',
  loadingFailed: 'No se ha podido cargar el contenido.',
  authFailed: 'No hemos podido comprobar si has iniciado sesión.',
  noProviders: 'No es posible iniciar sesión en este momento.',
  tryAgain: 'Reintentar',
  close: 'Cerrar',
  signedIn: 'Has iniciado sesión',

  signOut: 'Cerrar sesión',
  signOutOthers: 'Cerrar las demás sesiones',
  signOutGlobal: 'Cerrar todas las sesiones',
  signingOut: 'Cerrando sesión…',
  signOutFailed: 'Tu sesión sigue abierta. Inténtalo de nuevo.',

  accountOf: 'Cuenta de {name}',
  account: 'Tu cuenta',
  profile: 'Perfil',
  name: 'Nombre',
  unconfirmed: 'Sin confirmar',
  save: 'Guardar',
  saved: 'Cambios guardados.',
  identities: 'Cuentas vinculadas',
  connect: 'Vincular {provider}',
  disconnect: 'Desvincular',
  disconnectQuestion: 'Ya no podrás iniciar sesión con {provider}.',
  disconnected: 'Tu cuenta ya no está vinculada a {provider}.',
  sessions: 'Tus sesiones abiertas',
  thisDevice: 'Este dispositivo',
  unknownDevice: 'Dispositivo desconocido',
  lastUsedAt: 'Último uso: {date}',
  since: 'Desde el {date}',
  signOutDevice: 'Cerrar sesión: {device}',
  deviceSignedOut: 'Sesión cerrada: {device}.',
  othersSignedOut: 'Las demás sesiones se han cerrado.',
  export: 'Tus datos',
  exportNote: 'Descarga todos los datos que guardamos sobre ti.',
  download: 'Descargar',
  delete: 'Eliminar cuenta',
  deleteQuestion:
    'Se eliminarán definitivamente tu cuenta y todo su contenido. Esta acción no se puede deshacer.',
  deleteNow: 'Eliminar definitivamente',

  unknownError: 'No se ha podido iniciar sesión. Inténtalo de nuevo.',
  unknownProvider: 'El proveedor',
  errors: {
    access_denied: 'Has cancelado el inicio de sesión.',
    account_inactive: '{provider} indica que esta cuenta no está activa.',
    email_missing:
      '{provider} no ha compartido ninguna dirección de correo. Añade una a tu cuenta y vuelve a intentarlo.',
    email_not_allowed:
      'Tu dirección de correo no está permitida aquí. Usa otra cuenta o ponte en contacto con el administrador del sitio.',
    email_unverified:
      '{provider} no ha verificado tu dirección de correo. Verifícala allí y vuelve a intentarlo.',
    flow_expired: 'El inicio de sesión ha tardado demasiado. Inténtalo de nuevo.',
    flow_missing:
      'Has empezado a iniciar sesión en otro navegador o en otra ventana. Vuelve a empezar aquí.',
    flow_used: 'Este inicio de sesión ya se ha completado. Vuelve a empezar.',
    provider_bad_answer:
      '{provider} ha enviado una respuesta no válida. Inténtalo de nuevo más tarde.',
    provider_refused: '{provider} ha rechazado el inicio de sesión. Inténtalo de nuevo más tarde.',
    provider_unavailable:
      '{provider} no está disponible en este momento. Inténtalo de nuevo en unos instantes.',
    refused: 'No puedes iniciar sesión aquí. Ponte en contacto con el administrador del sitio.',
    sign_up_closed:
      'Este sitio no admite cuentas nuevas. Ponte en contacto con el administrador del sitio.',
    user_banned: 'Esta cuenta se ha suspendido. Ponte en contacto con el administrador del sitio.',

    cross_site: 'Se ha bloqueado esta solicitud porque procedía de otro sitio.',
    forbidden: 'No tienes permiso para hacer esto.',
    invalid_request: 'No se ha podido procesar la solicitud.',
    not_found: 'Página no encontrada.',
    prefetch_refused: 'Haz clic en un enlace o un botón para abrir esta página.',
    too_many_requests: 'Demasiados intentos. Espera un momento e inténtalo de nuevo.',
    reauth_required: 'Vuelve a iniciar sesión para confirmar que eres tú.',
    server_error: 'Algo ha fallado por nuestra parte. Inténtalo de nuevo.',
    unauthenticated: 'Inicia sesión para continuar.',
    unavailable:
      'Esta acción no está disponible en este momento. Inténtalo de nuevo en unos instantes.',

    unreachable:
      'No se puede conectar con el servidor en este momento. Inténtalo de nuevo en unos instantes.',
    bad_answer: 'El servidor ha enviado una respuesta no válida. Inténtalo de nuevo más tarde.',
  },
}
